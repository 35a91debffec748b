"""What the Makefile runs: the local service, the demonstration, the OpenAPI document."""

from pathlib import Path

# The checkout.
ROOT = Path(__file__).parents[1]
