"""Who an agent is: pure functions from a name and a context to keys that cannot collide.

The rules and their reasons: docs/identity.md. Source of the folding: Unicode, D146 (compatibility caseless match).
"""

import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Self

from agent_sessions.domain.characters import UNSAFE_IN_NAMES, clean_text, collapse, drop_ignorables, is_visible
from agent_sessions.errors import FieldError, ValidationError

MAX_NAME_CHARACTERS = 100
MAX_CONTEXT_CHARACTERS = 200
# The largest partition key of a DynamoDB index.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_IDENTITY_KEY_BYTES = 2048
# An owner is the sort key of an index, which has at most 1,024 bytes, and is part of every item and log line.
MAX_OWNER_BYTES = 512

NO_CONTEXT = "default"
# Random, and never to be changed: agent ids are derived from it.
AGENT_NAMESPACE = uuid.UUID("6a1f3c0e-5d0b-4c83-9f5e-2f9a4be7d1c6")

ID_PATTERN = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_ID = re.compile(ID_PATTERN)


def clean_agent_name(text: str) -> str:
    """Return the name, trimmed and with single spaces.

    Raises:
        ValidationError: not 1 to 100 characters, none of them visible, or one that is refused; the message names its
            code point and its position in ``text``.
    """
    name = clean_text("agent_name", "Agent name", text, MAX_NAME_CHARACTERS, refused=UNSAFE_IN_NAMES)
    if not name:
        raise ValidationError(FieldError("agent_name", "Agent name is required"))
    return _visible("agent_name", "Agent name", name)


def clean_context(text: str | None) -> str | None:
    """Return the context, trimmed and with single spaces, or None if it is blank.

    Raises:
        ValidationError: over 200 characters, none of them visible, or one that is refused.
    """
    context = clean_text("context", "Context", text or "", MAX_CONTEXT_CHARACTERS, refused=UNSAFE_IN_NAMES)
    return _visible("context", "Context", context) if context else None


def _visible(field: str, label: str, text: str) -> str:
    if not is_visible(text):
        raise ValidationError(
            FieldError(field, f"{label} must have a visible character: a letter, number, punctuation mark or symbol")
        )
    return text


def fold(text: str) -> str:
    """Return what texts have in common that differ only in case, width, white space or unseen characters.

    Folding is idempotent, and stable across versions of Unicode for characters that this one assigns.
    """
    if text.isascii():
        return collapse(text.lower())
    decomposed = unicodedata.normalize("NFD", drop_ignorables(text))
    once = unicodedata.normalize("NFKC", decomposed.casefold())
    return collapse(unicodedata.normalize("NFKC", once.casefold()))


def part(text: str) -> str:
    """Return one part of an identity key: folded, and escaped to be free of colons."""
    return fold(text).replace("%", "%25").replace(":", "%3A")


def identity_key(agent_name: str, context: str | None) -> str:
    """Return the normalised ``name:context`` of a cleaned name and context."""
    return f"{part(agent_name)}:{part(context or NO_CONTEXT)}"


def display_name(agent_name: str, context: str | None) -> str:
    """Return what people read: ``name``, or ``name - context``. Not unique."""
    return f"{agent_name} - {context}" if context else agent_name


def parse_id(text: str) -> str | None:
    """Return an agent's id or a session's handle as the service writes it, from either case; None if malformed."""
    return text.lower() if _ID.fullmatch(text) else None


def parse_id_pair(text: str) -> tuple[str, str] | None:
    """Return agent_id and session_id of ``agent_id/session_id`` as the service writes them; None if malformed."""
    first, _, second = text.partition("/")
    agent, session = parse_id(first), parse_id(second)
    return (agent, session) if agent and session else None


def agent_id(owner: str, key: str) -> str:
    """Return the id of a new agent: UUIDv5 of the owner and the identity key (RFC 9562, 5.5).

    Each owner is a namespace of its own, so no owner's text can run into a key's.
    """
    return str(uuid.uuid5(uuid.uuid5(AGENT_NAMESPACE, owner), key))


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
            ValidationError: as ``clean_agent_name`` and ``clean_context``, or a key that does not fit DynamoDB.
        """
        name, work = clean_agent_name(agent_name), clean_context(context)
        key = identity_key(name, work)
        if len(key.encode()) > MAX_IDENTITY_KEY_BYTES:
            # Only characters that NFKC takes apart get here: U+FDFA alone becomes 33 bytes.
            field, label = ("agent_name", "Agent name") if len(part(name)) > len(key) // 2 else ("context", "Context")
            raise ValidationError(
                FieldError(
                    field,
                    f"{label} is too long once normalised: name and context together "
                    f"must be {MAX_IDENTITY_KEY_BYTES} bytes or less; shorten it",
                )
            )
        return cls(name, work, key)
