"""Agents, sessions and what the service returns of them. Times are epoch seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_PAGE = 100  # entries in one page of a list
MIN_SECONDS = 60  # the shortest timeout that a sign-in may ask for; a session would end between two touches of less

type State = Literal["working", "waiting", "idle"]
"""What an agent can report to be doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who signs in. Outlives its sessions.

    Args:
        created_at, last_active: When it first signed in, and was last seen (epoch seconds).
        incarnation: The session_id of the agent's first sign-in, None before it. An agent that is deleted and
            signs in again has another one, and the sessions of the deleted one belong to none.
        sign_ins: How often it has signed in; each session carries its number.
        ended_through: Sessions of this incarnation with a number up to this one have ended (the fence).
        swept_at: The number of the sign-in that last swept old sessions.
    """

    agent_id: str
    owner: str
    identity_key: str
    agent_name: str
    context: str | None
    created_at: int
    last_active: int
    blocked: bool = False
    sign_ins: int = 0
    ended_through: int = 0
    swept_at: int = 0
    incarnation: str | None = None

    def admits(self, session: "Session") -> bool:
        """Whether a stored session of this agent may be used: no block, deletion or fence has ended it."""
        return (
            not self.blocked and self.incarnation == session.incarnation and self.ended_through < session.sign_in_number
        )


@dataclass(frozen=True, slots=True)
class StopRequest:
    """An owner's request that the agent stop: a reason for the agent to read, and when it was made (epoch seconds)."""

    reason: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A period in which an agent is signed in, known by its public handle ``session_id``.

    Args:
        created_at, last_active: When it began, and when its use was last recorded (epoch seconds).
        expires_at: When it ends unless it is used before; never later than ``ends_at`` (epoch seconds).
        ends_at: When it ends, however busy it is (epoch seconds).
        idle_seconds: Seconds after its last use at which it ends.
        state, activity, progress_at: What the agent itself reported, and when (epoch seconds).
        sign_in_number: The agent's count of sign-ins at this one, comparable within one incarnation.
    """

    agent_id: str
    session_id: str
    owner: str
    agent_name: str
    context: str | None
    created_at: int
    last_active: int
    expires_at: int
    ends_at: int
    idle_seconds: int
    sign_in_number: int
    incarnation: str
    exclusive: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    state: State | None = None
    activity: str | None = None
    progress_at: int | None = None
    stop_requested: StopRequest | None = None

    def is_live(self, now: int, not_before: int = 0) -> bool:
        """Whether the session counts at ``now``: the one rule of expiry, whatever TTL has deleted.

        Args:
            now: The time, in epoch seconds.
            not_before: Sessions created earlier, in epoch seconds, are dead (``SessionsNotBefore``).
        """
        return now < self.expires_at and now < self.ends_at and self.created_at >= not_before

    def is_older_than(self, other: "Session") -> bool:
        """Whether it comes from an earlier sign-in of the same incarnation; no clock decides that."""
        return self.incarnation == other.incarnation and self.sign_in_number < other.sign_in_number


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session, its token (returned only here), and whether the agent existed before."""

    session: Session
    session_token: str
    reused: bool

    def __repr__(self) -> str:
        return f"SignedIn(session={self.session!r}, reused={self.reused!r})"


@dataclass(frozen=True, slots=True)
class Presence:
    """An agent with its number of live sessions; ``capped`` if the number is a lower bound."""

    agent: Agent
    active_sessions: int
    capped: bool = False


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some live sessions, and the position at which the next page starts; None at the end."""

    sessions: tuple[Session, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class AgentPage:
    """Some agents of an owner, and the position at which the next page starts; None at the end."""

    agents: tuple[Agent, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How many live sessions were ended, and whether time ran out before all were."""

    count: int
    more: bool
