"""The HTTP API: events in, responses out; the only package that knows status codes."""
