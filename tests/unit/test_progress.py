from typing import Any

import pytest

from agent_sessions.domain.progress import STATES, clean_activity, clean_progress, clean_reason, clean_state
from agent_sessions.errors import FieldError, ValidationError

EMPTY = FieldError("body", "The body reports nothing; send state, activity or both")
UNKNOWN = FieldError("body", "A report has state, activity or both; remove everything else")
BAD_STATE = FieldError("state", "state must be working, waiting or idle")
BLANK_REASON = FieldError("stop_requested", "The reason is empty; say why, or send null to withdraw the request")


def refusals(values: dict[str, Any]) -> list[FieldError]:
    with pytest.raises(ValidationError) as caught:
        clean_progress(values)
    return list(caught.value.errors)


def test_states_are_working_waiting_and_idle() -> None:
    assert STATES == ("working", "waiting", "idle")
    assert [clean_state(state) for state in (*STATES, None)] == [*STATES, None]


@pytest.mark.parametrize("value", ["", "Working", " idle", "sleeping", 1, True, ["idle"], {}], ids=repr)
def test_any_other_state_is_refused(value: Any) -> None:
    assert refusals({"state": value}) == [BAD_STATE]


@pytest.mark.parametrize(
    ("text", "activity"),
    [
        (None, None),
        ("", None),
        (" \t\n\u3000", None),
        ("reviewing pull request 12", "reviewing pull request 12"),
        ("  reading \u00a0 the\u2028docs \n", "reading the docs"),
        ("x" * 120, "x" * 120),
        (f" {'\N{SNOWMAN}' * 120}\n", "\N{SNOWMAN}" * 120),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_activity_is_trimmed_and_none_if_blank(text: str | None, activity: str | None) -> None:
    assert clean_activity(text) == activity
    assert clean_progress({"activity": text}) == {"activity": activity}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x" * 121, "Activity must be 120 characters or less"),
        (" a\nb", "Activity must not contain control characters; remove U+000A (character 3 of the text as sent)"),
        ("\x1b[31m", "Activity must not contain control characters; remove U+001B (character 1 of the text as sent)"),
        ("\ud800", "Activity must not contain lone surrogates; remove U+D800 (character 1 of the text as sent)"),
        (
            "a\ufffd",
            "Activity must not contain replacement characters; remove U+FFFD (character 2 of the text as sent)",
        ),
        (1, "activity must be a string"),
        (["x"], "activity must be a string"),
        (b"x", "activity must be a string"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_bad_activity_is_refused(value: Any, message: str) -> None:
    assert refusals({"activity": value}) == [FieldError("activity", message)]


def test_progress_keeps_what_was_sent_and_nothing_else() -> None:
    assert clean_progress({"state": "working"}) == {"state": "working"}
    assert clean_progress({"state": None, "activity": " a "}) == {"state": None, "activity": "a"}


def test_empty_progress_is_refused() -> None:
    assert refusals({}) == [EMPTY]


def test_all_findings_are_named_at_once_and_each_once() -> None:
    assert refusals({"state": "x", "\ud800": 1, "activity": 1, "stat": "idle"}) == [
        BAD_STATE,
        UNKNOWN,
        FieldError("activity", "activity must be a string"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("x", "x"), ("  budget  used up\n", "budget used up"), ("x" * 200, "x" * 200), (f"\t{'x' * 200} ", "x" * 200)],
    ids=lambda text: ascii(text)[:30],
)
def test_reason_is_trimmed(text: str, reason: str) -> None:
    assert clean_reason(text) == reason


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", BLANK_REASON.message),
        (" \n\u3000", BLANK_REASON.message),
        ("x" * 201, "The reason must be 200 characters or less"),
        ("a\x00", "The reason must not contain control characters; remove U+0000 (character 2 of the text as sent)"),
        (
            "a\ufffd",
            "The reason must not contain replacement characters; remove U+FFFD (character 2 of the text as sent)",
        ),
        (None, "stop_requested must be a string"),
        (True, "stop_requested must be a string"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_bad_reason_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        clean_reason(value)

    assert list(caught.value.errors) == [FieldError("stop_requested", message)]
