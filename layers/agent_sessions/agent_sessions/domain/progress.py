"""What an agent reports while it works, and what its owner tells it."""

from agent_sessions.domain.characters import clean_text
from agent_sessions.errors import FieldError, ValidationError

MAX_ACTIVITY_CHARACTERS = 120
MAX_REASON_CHARACTERS = 200


def clean_activity(text: str | None) -> str | None:
    """Return an activity, trimmed and with single spaces, None if it is blank.

    Raises:
        ValidationError: over 120 characters, or a control character, a lone surrogate or U+FFFD.
    """
    return clean_text("activity", "Activity", text or "", MAX_ACTIVITY_CHARACTERS) or None


def clean_reason(text: str) -> str:
    """Return the reason of a stop request, trimmed and with single spaces.

    Raises:
        ValidationError: blank, over 200 characters, or a control character, a lone surrogate or U+FFFD.
    """
    reason = clean_text("stop_requested", "The reason", text, MAX_REASON_CHARACTERS)
    if not reason:
        raise ValidationError(
            FieldError("stop_requested", "The reason is empty; say why, or send null to withdraw the request")
        )
    return reason
