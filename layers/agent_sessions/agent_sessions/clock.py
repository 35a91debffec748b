"""The clock. Every module of the package takes the time from here, so that tests can set it."""

import time


def now() -> int:
    """Return the time in whole epoch seconds."""
    return int(time.time())


def monotonic() -> float:
    """Return the seconds of a clock that never goes back, to measure durations."""
    return time.monotonic()


def milliseconds() -> int:
    """Return the time in epoch milliseconds, for log lines."""
    return time.time_ns() // 1_000_000
