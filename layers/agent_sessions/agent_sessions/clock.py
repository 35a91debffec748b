"""The one clock: everything that needs the time asks here."""

import time


def now() -> int:
    """Return the time in whole epoch seconds."""
    return int(time.time())


def monotonic() -> float:
    """Return seconds that only ever grow, to measure how long something takes."""
    return time.monotonic()
