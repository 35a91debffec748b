"""Agents, sessions, identities and tokens as plain values and pure functions; no module here does I/O."""
