import math

import pytest

from agent_sessions import clock
from agent_sessions.deadline import TIME_LIMIT_SECONDS, seconds_left, time_limit


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the clock shows."""
    shown = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: shown[0])
    return shown


def test_without_a_deadline_there_is_all_the_time() -> None:
    assert seconds_left() == math.inf


def test_an_answer_comes_within_five_seconds() -> None:
    assert TIME_LIMIT_SECONDS < 5


def test_time_runs_down(at: list[float]) -> None:
    with time_limit(3):
        at[0] += 2
        assert seconds_left() == 1
        at[0] += 2
        assert seconds_left() == -1
    assert seconds_left() == math.inf


def test_a_part_has_no_more_time_than_the_whole(at: list[float]) -> None:
    with time_limit(3):
        at[0] += 2
        with time_limit(2):
            assert seconds_left() == 1
        with time_limit(0.5):
            assert seconds_left() == 0.5
        assert seconds_left() == 1


def test_each_call_of_a_function_has_the_time_anew(at: list[float]) -> None:
    left = time_limit(3)(seconds_left)
    for _ in range(2):
        at[0] += 2
        assert left() == 3


def test_an_error_ends_it_too() -> None:
    with pytest.raises(ZeroDivisionError), time_limit(3):
        raise ZeroDivisionError
    assert seconds_left() == math.inf
