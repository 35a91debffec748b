"""The request of an operator: one object, checked as a whole before anything is done."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from agent_sessions.domain.identity import MAX_OWNER_BYTES, parse_id, parse_id_pair
from agent_sessions.domain.metadata import clean_metadata
from agent_sessions.domain.models import MAX_PAGE
from agent_sessions.dynamodb.sessions_by_owner import Position
from agent_sessions.errors import FieldError, ValidationError

_OWNER = re.compile(r"public|(iam|cognito|jwt):.+", re.DOTALL)
# A field's name is repeated only if it cannot be anything but a name.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


class Action(StrEnum):
    """The actions of an operator."""

    LIST = "list"
    COUNT = "count"
    END = "end"
    BLOCK = "block"
    UNBLOCK = "unblock"
    DELETE = "delete"


# Each form of an action: the field that it needs, and those that it may have.
FORMS: dict[Action, dict[str, set[str]]] = {
    Action.LIST: {"owner": {"limit", "next"}},
    Action.COUNT: {"owner": {"next"}},
    Action.END: {"owner": set(), "metadata": {"dry_run", "next"}},
    Action.BLOCK: {"agent_id": set()},
    Action.UNBLOCK: {"agent_id": set()},
    Action.DELETE: {"owner": set()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequest:
    """A request that is known to be complete; fields that its form does not have keep their defaults."""

    action: Action
    owner: str = ""
    agent_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    limit: int = MAX_PAGE
    next: Position | None = None

    @classmethod
    def read(cls, event: object) -> Self:
        """Check an event; raises ValidationError that names each bad field and what to change."""
        if not isinstance(event, Mapping):
            raise _invalid("event", "The event must be an object with an action")
        action = _read_action(event.get("action"))
        needed = [name for name in FORMS[action] if name in event]
        if len(needed) != 1:
            first, *others = FORMS[action]
            names = " or ".join((first, *others))
            raise _invalid(first, f"{action} needs {names}" + ("; send one of them" if needed else ""))
        known = {"action", *needed, *FORMS[action][needed[0]]}
        findings = [_unknown(name, known) for name in event if name not in known]
        values: dict[str, Any] = {}
        for name in sorted(known & event.keys() - {"action"}):
            try:
                values[name] = _READERS[name](event[name])
            except ValidationError as error:
                findings += error.errors
        if findings:
            raise ValidationError(*dict.fromkeys(findings))
        return cls(action=action, **values)


def _invalid(name: str, message: str) -> ValidationError:
    return ValidationError(FieldError(name, message))


def _unknown(name: object, known: set[str]) -> FieldError:
    if isinstance(name, str) and _PLAIN_NAME.fullmatch(name):
        return FieldError(name, f"Unknown field {name}: remove it, or use one of {', '.join(sorted(known))}")
    return FieldError("event", f"There is an unknown field: remove it, or use one of {', '.join(sorted(known))}")


def _read_action(value: object) -> Action:
    for action in Action:
        if value == action.value:
            return action
    raise _invalid("action", f"action must be one of {', '.join(Action)}")


def _read_owner(value: object) -> str:
    if not (isinstance(value, str) and _OWNER.fullmatch(value)):
        raise _invalid("owner", "owner must be a string as in sessions and agents: iam:…, cognito:…, jwt:… or public")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise _invalid("owner", "owner must not contain lone surrogates") from None
    if size > MAX_OWNER_BYTES:
        raise _invalid("owner", f"owner must be {MAX_OWNER_BYTES} bytes or less; longer ones are stored as a hash")
    return value


def _read_agent_id(value: object) -> str:
    agent_id = parse_id(value) if isinstance(value, str) else None
    if agent_id is None:
        raise _invalid("agent_id", "agent_id must be a UUID")
    return agent_id


def _read_metadata(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value:
        raise _invalid("metadata", "metadata must be an object with at least one pair of strings")
    return clean_metadata(value)


def _read_dry_run(value: object) -> bool:
    if not isinstance(value, bool):
        raise _invalid("dry_run", "dry_run must be true or false")
    return value


def _read_limit(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PAGE:
        raise _invalid("limit", f"limit must be a whole number from 1 to {MAX_PAGE}")
    return value


def _read_next(value: object) -> Position | None:
    if value is None:
        return None
    if isinstance(value, str) and (position := parse_id_pair(value)):
        return position
    raise _invalid("next", "next must be the previous result's `next`; omit it to start over")


_READERS: dict[str, Callable[[object], Any]] = {
    "owner": _read_owner,
    "agent_id": _read_agent_id,
    "metadata": _read_metadata,
    "dry_run": _read_dry_run,
    "limit": _read_limit,
    "next": _read_next,
}
