"""Who an agent is: pure functions from a name and a context to keys that cannot collide."""

import re
import unicodedata
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from agent_sessions.errors import FieldError, ValidationError

MAX_NAME_CHARACTERS = 100
MAX_CONTEXT_CHARACTERS = 200
# The largest partition key of a DynamoDB index.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_IDENTITY_KEY_BYTES = 2048

NO_CONTEXT = "default"
# Random, and fixed for ever: agent ids are derived from it.
AGENT_NAMESPACE = uuid.UUID("6a1f3c0e-5d0b-4c83-9f5e-2f9a4be7d1c6")

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def clean_agent_name(text: str) -> str:
    """Return the trimmed name; raises ValidationError unless it has 1 to 100 good characters."""
    name = text.strip()
    if not name:
        raise ValidationError(FieldError("agent_name", "Agent name is required"))
    return _checked("agent_name", "Agent name", name, MAX_NAME_CHARACTERS)


def clean_context(text: str | None) -> str | None:
    """Return the trimmed context, None where it is blank; raises ValidationError on over 200 or bad characters."""
    context = (text or "").strip()
    return _checked("context", "Context", context, MAX_CONTEXT_CHARACTERS) if context else None


def _checked(field: str, label: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValidationError(FieldError(field, f"{label} must be {limit} characters or less"))
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise ValidationError(
                FieldError(
                    field,
                    f"{label} must not contain control characters or lone surrogates; "
                    f"remove U+{ord(character):04X} (character {position})",
                )
            )
    return text


def normalise(text: str) -> str:
    """Return one half of an identity key: NFKC, casefolded, trimmed, and escaped to be free of colons."""
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    return folded.replace("%", "%25").replace(":", "%3A")


def identity_key(agent_name: str, context: str | None) -> str:
    """Return the normalised ``name:context`` of a cleaned name and context."""
    return f"{normalise(agent_name)}:{normalise(context or NO_CONTEXT)}"


def display_name(agent_name: str, context: str | None) -> str:
    """Return what people read: ``name``, or ``name - context``."""
    return f"{agent_name} - {context}" if context else agent_name


def is_id(text: str) -> bool:
    """Whether a text is a UUID as the service writes it: an agent's id or a session's handle."""
    return _ID.fullmatch(text) is not None


def agent_id(owner: str, key: str) -> str:
    """Return the id of a new agent: UUIDv5 of the owner and the identity key (RFC 9562, 5.5).

    Each owner is a namespace of its own, so no owner's text can run into a key's.
    """
    return str(uuid.uuid5(uuid.uuid5(AGENT_NAMESPACE, owner), key))


@lru_cache(maxsize=1024)  # a loop over every character, for each request of the same few agents
def avatar_seed(key: str) -> str:
    """Return 8 characters of base 36 that a JavaScript client computes alike from the identity key.

    In JavaScript: ``h = unit + ((h << 5) - h)`` over UTF-16 code units. There the shift is of
    32-bit integers while the sums are exact, because they stay below 2**53.
    """
    units = memoryview(key.encode("utf-16-le")).cast("H")
    seed = 0
    for unit in units:
        seed = unit + _int32(_int32(seed) << 5) - seed
    return _base36(abs(seed)).rjust(8, "0")[:8]


def _int32(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits


@dataclass(frozen=True, slots=True)
class Identity:
    """A cleaned name and context, and the key that they make."""

    agent_name: str
    context: str | None
    key: str

    @classmethod
    def of(cls, agent_name: str, context: str | None = None) -> Self:
        """Clean, check and normalise.

        Raises:
            ValidationError: a name of not 1 to 100 characters, a context of over 200, a control
                character, a lone surrogate, or a key that does not fit DynamoDB.
        """
        name, work = clean_agent_name(agent_name), clean_context(context)
        key = identity_key(name, work)
        if len(key.encode()) > MAX_IDENTITY_KEY_BYTES:
            # Only characters that NFKC takes apart get here: U+FDFA alone becomes 33 bytes.
            field, label = (
                ("agent_name", "Agent name") if len(normalise(name)) > len(key) // 2 else ("context", "Context")
            )
            raise ValidationError(
                FieldError(
                    field,
                    f"{label} is too long once normalised: name and context together "
                    f"must be {MAX_IDENTITY_KEY_BYTES} bytes or less; shorten it",
                )
            )
        return cls(name, work, key)
