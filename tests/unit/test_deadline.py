import math

import pytest

from agent_sessions import clock
from agent_sessions.deadline import TIME_LIMIT_SECONDS, seconds_left, time_limit


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the clock, in seconds; a test sets its one element."""
    time = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    return time


def test_no_deadline_leaves_infinite_time() -> None:
    assert seconds_left() == math.inf


def test_response_deadline_is_less_than_five_seconds() -> None:
    assert TIME_LIMIT_SECONDS < 5


def test_seconds_left_decrease(time: list[float]) -> None:
    with time_limit(3):
        time[0] += 2
        assert seconds_left() == 1
        time[0] += 2
        assert seconds_left() == -1
    assert seconds_left() == math.inf


def test_nested_limit_never_exceeds_the_outer_one(time: list[float]) -> None:
    with time_limit(3):
        time[0] += 2
        with time_limit(2):
            assert seconds_left() == 1
        with time_limit(0.5):
            assert seconds_left() == 0.5
        assert seconds_left() == 1


def test_decorated_function_has_the_full_time_at_each_call(time: list[float]) -> None:
    left = time_limit(3)(seconds_left)
    for _ in range(2):
        time[0] += 2
        assert left() == 3


def test_error_ends_the_deadline() -> None:
    with pytest.raises(ZeroDivisionError), time_limit(3):
        raise ZeroDivisionError
    assert seconds_left() == math.inf
