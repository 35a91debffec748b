"""Times as people and programs read them. Items and calculations have epoch seconds."""

from datetime import UTC, datetime


def timestamp(seconds: int) -> str:
    """Return epoch seconds as RFC 3339, UTC, in whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
