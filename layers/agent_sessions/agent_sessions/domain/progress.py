"""What an agent reports while it works, and what its owner asks of it."""

from collections.abc import Mapping
from typing import Any, get_args

from agent_sessions.domain.characters import clean_text
from agent_sessions.domain.models import State
from agent_sessions.errors import FieldError, ValidationError

STATES: tuple[State, ...] = get_args(State.__value__)
MAX_ACTIVITY_CHARACTERS = 120
MAX_REASON_CHARACTERS = 200


def clean_progress(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a report of ``state``, ``activity`` or both, in which None removes what was reported before.

    Raises:
        ValidationError: names each bad field, or ``body`` if nothing is reported.
    """
    if not values:
        raise ValidationError(FieldError("body", "The body reports nothing; send state, activity or both"))
    cleaned: dict[str, str | None] = {}
    findings: list[FieldError] = []
    for name, value in values.items():
        if name not in _CLEANERS:
            findings.append(FieldError("body", "A report has state, activity or both; remove everything else"))
            continue
        try:
            cleaned[name] = _CLEANERS[name](value)
        except ValidationError as error:
            findings += error.errors
    if findings:
        raise ValidationError(*dict.fromkeys(findings))
    return cleaned


def clean_state(value: object) -> State | None:
    """Return a state, or None for none; raises ValidationError for anything else."""
    for state in STATES:
        if value == state:
            return state
    if value is not None:
        raise ValidationError(FieldError("state", "state must be working, waiting or idle"))
    return None


def clean_activity(value: object) -> str | None:
    """Return an activity, trimmed and with single spaces, or None if it is blank.

    Raises:
        ValidationError: not a string, over 120 characters, or a control character, a lone surrogate or U+FFFD.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValidationError(FieldError("activity", "activity must be a string"))
    return clean_text("activity", "Activity", value, MAX_ACTIVITY_CHARACTERS) or None


def clean_reason(value: object) -> str:
    """Return the reason of a stop request, trimmed and with single spaces.

    Raises:
        ValidationError: not a string, blank, over 200 characters, or a control character, a lone surrogate or U+FFFD.
    """
    if not isinstance(value, str):
        raise ValidationError(FieldError("stop_requested", "stop_requested must be a string"))
    reason = clean_text("stop_requested", "The reason", value, MAX_REASON_CHARACTERS)
    if not reason:
        raise ValidationError(
            FieldError("stop_requested", "The reason is empty; say why, or send null to withdraw the request")
        )
    return reason


_CLEANERS = {"state": clean_state, "activity": clean_activity}
