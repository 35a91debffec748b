"""Times as people and programs read them. Items and calculations have epoch seconds."""

from datetime import UTC, datetime

MAX_TIME = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that RFC 3339 can express."""


def timestamp(seconds: int) -> str:
    """Return epoch seconds as RFC 3339, UTC, in whole seconds.

    An imported agent may have a time in milliseconds. It is shown as the last second, because an error would hide
    every other agent of the list.
    """
    return datetime.fromtimestamp(max(0, min(seconds, MAX_TIME)), UTC).isoformat().replace("+00:00", "Z")
