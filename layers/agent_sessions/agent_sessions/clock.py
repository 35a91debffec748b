"""The one clock: everything that needs the time asks here."""

import math
import time
from collections.abc import Callable

# Tells the seconds that are left for what is being done.
type SecondsLeft = Callable[[], float]


def no_deadline() -> float:
    """Leave as much time as is needed."""
    return math.inf


def now() -> int:
    """Return the time in whole epoch seconds."""
    return int(time.time())


def monotonic() -> float:
    """Return seconds that only ever grow, to measure how long something takes."""
    return time.monotonic()
