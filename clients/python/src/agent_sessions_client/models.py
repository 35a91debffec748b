"""What the API returns: agents and sessions. Fields that later versions add are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from agent_sessions_client.errors import UnexpectedResponseError

State = Literal["working", "waiting", "idle"]


@dataclass(frozen=True)
class StopRequest:
    """The owner asks the agent to stop."""

    reason: str
    at: datetime

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "StopRequest":
        """Read a stop request of the API."""
        return cls(body["reason"], _time(body["at"]))


@dataclass(frozen=True)
class Session:
    """A period in which an agent is signed in. All times are UTC.

    Attributes:
        session_id: Public id; safe to list and log.
        state: What the agent last reported: ``working``, ``waiting``, ``idle`` or nothing.
        activity: The same in its own words.
        progress_at: When it last reported. Use of a session is not progress.
        stop_requested: Set if the owner asks the agent to stop.
        last_active: When use was last recorded, up to a minute behind.
        expires_at: When the session ends unless it is used.
        ends_at: When it ends, however busy it is.
        body: The whole JSON object of the API.
    """

    session_id: str
    agent_id: str
    owner: str
    agent_name: str
    context: str | None
    display_name: str
    metadata: Mapping[str, str]
    state: State | None
    activity: str | None
    progress_at: datetime | None
    stop_requested: StopRequest | None
    created_at: datetime
    last_active: datetime
    expires_at: datetime
    ends_at: datetime
    body: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Session":
        """Read a session of the API; raises UnexpectedResponseError if it is not one."""
        try:
            return cls(
                session_id=body["session_id"],
                agent_id=body["agent_id"],
                owner=body["owner"],
                agent_name=body["agent_name"],
                context=body["context"],
                display_name=body["display_name"],
                metadata=MappingProxyType(dict(body["metadata"])),
                state=body["state"],
                activity=body["activity"],
                progress_at=_optional_time(body["progress_at"]),
                stop_requested=StopRequest.parse(body["stop_requested"]) if body["stop_requested"] else None,
                created_at=_time(body["created_at"]),
                last_active=_time(body["last_active"]),
                expires_at=_time(body["expires_at"]),
                ends_at=_time(body["ends_at"]),
                body=MappingProxyType(dict(body)),
            )
        except (KeyError, TypeError, ValueError) as error:
            reason = type(error).__name__
        raise UnexpectedResponseError(f"the response is not a session ({reason})")


@dataclass(frozen=True)
class Agent:
    """Who signs in. The same name and context is always the same agent.

    Attributes:
        last_active: When the agent was last seen, up to five minutes behind.
        online: Whether it has a live session; None in lists, or if the count was cut short before it found one.
        active_sessions: Number of live sessions; None in lists.
        active_sessions_capped: Whether that number is a lower bound.
        body: The whole JSON object of the API.
    """

    agent_id: str
    owner: str
    agent_name: str
    context: str | None
    display_name: str
    created_at: datetime
    last_active: datetime
    blocked: bool
    online: bool | None
    active_sessions: int | None
    active_sessions_capped: bool
    body: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Agent":
        """Read an agent of the API; raises UnexpectedResponseError if it is not one."""
        try:
            return cls(
                agent_id=body["agent_id"],
                owner=body["owner"],
                agent_name=body["agent_name"],
                context=body["context"],
                display_name=body["display_name"],
                created_at=_time(body["created_at"]),
                last_active=_time(body["last_active"]),
                blocked=body["blocked"],
                online=body.get("online"),
                active_sessions=body.get("active_sessions"),
                active_sessions_capped=body.get("active_sessions_capped", False),
                body=MappingProxyType(dict(body)),
            )
        except (KeyError, TypeError, ValueError) as error:
            reason = type(error).__name__
        raise UnexpectedResponseError(f"the response is not an agent ({reason})")


def _time(value: object) -> datetime:
    # Python 3.10 reads no Z.
    return datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def _optional_time(value: object) -> datetime | None:
    return None if value is None else _time(value)
