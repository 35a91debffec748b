"""docs/openapi.json, generated from the code."""
