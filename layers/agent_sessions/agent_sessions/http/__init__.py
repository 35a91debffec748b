"""The HTTP API: events in, responses out; the only package that contains status codes."""
