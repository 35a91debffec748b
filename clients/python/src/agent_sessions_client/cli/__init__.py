"""The command `agent-sessions`."""
