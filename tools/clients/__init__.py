"""Clients that other people's generators make from docs/openapi.json, walked through the local service."""
