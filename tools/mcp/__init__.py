"""Other people's programs against the MCP endpoint of a local service."""
