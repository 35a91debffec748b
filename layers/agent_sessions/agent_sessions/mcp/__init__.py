"""The Model Context Protocol: messages in, messages out, and the tools that agents call."""
