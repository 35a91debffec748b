"""Time limits for database calls: all calls of a request share one deadline.

A request that runs out of time fails with a ``DatabaseError`` before its caller's own timeout.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from agent_sessions import clock

# Callers get a response within 5 s; the rest of that time is for work outside the database.
TIME_LIMIT_SECONDS = 4.8

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextmanager
def time_limit(seconds: float = TIME_LIMIT_SECONDS) -> Iterator[None]:
    """Limit the time that all calls inside the block take together; an inner limit cannot extend an outer one."""
    token = _deadline.set(min(_deadline.get(), clock.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Return the seconds until the deadline: negative after it, infinite outside any ``time_limit``."""
    return _deadline.get() - clock.monotonic()
