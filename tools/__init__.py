"""What the Makefile runs: the local service, the demonstration, the OpenAPI document."""
