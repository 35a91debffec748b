"""How long an operation may wait for the database: its caller hears of trouble before giving up itself."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from agent_sessions import clock

# An answer is due within 5 s; what is left is for everything but the database.
ANSWER_SECONDS = 4.8

_answer_by: ContextVar[float] = ContextVar("answer_by", default=math.inf)


@contextmanager
def time_limit(seconds: float = ANSWER_SECONDS) -> Iterator[None]:
    """Give what is done inside, all its calls together, so many seconds, or less where less was left."""
    token = _answer_by.set(min(_answer_by.get(), clock.monotonic() + seconds))
    try:
        yield
    finally:
        _answer_by.reset(token)


def seconds_left() -> float:
    """Return the seconds that are left; infinite outside of any ``time_limit``."""
    return _answer_by.get() - clock.monotonic()
