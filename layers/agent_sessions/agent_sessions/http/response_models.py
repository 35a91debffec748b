"""What callers read: agents and sessions as JSON objects. The OpenAPI document is made from these types."""

from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from agent_sessions.domain import identity
from agent_sessions.domain.avatar import avatar_seed
from agent_sessions.domain.models import Ended, Presence, Session, SessionPage, SignedIn


class SessionBody(TypedDict):
    """A session of an agent."""

    session_id: str
    """Public handle of the session; safe to list and log."""
    agent_id: str
    """The agent that is signed in."""
    agent_name: str
    """Name of the agent, as of its first sign-in."""
    context: str | None
    """What the agent works on, as of its first sign-in."""
    display_name: str
    """`agent_name`, or `agent_name - context`."""
    identity_key: str
    """Normalised name and context; unique per owner."""
    avatar_seed: str
    """8 characters of base 36, the same for the same identity everywhere."""
    created_at: str
    """When the agent signed in."""
    last_active: str
    """When use of the session was last recorded."""
    expires_at: str
    """When the session ends unless it is used."""
    ends_at: str
    """When the session ends, however busy it is."""


class SignedInBody(SessionBody):
    """A new session, with the token that is shown only here."""

    session_token: str
    """The secret to present as `Authorization: Bearer`; it cannot be read again."""
    reused: bool
    """Whether the agent was there before, be it from an earlier attempt that failed half-way."""


class AgentBody(TypedDict):
    """An agent and its presence."""

    agent_id: str
    """Id of the agent: the same name and context is always the same agent."""
    agent_name: str
    """Name of the agent, as of its first sign-in."""
    context: str | None
    """What the agent works on, as of its first sign-in."""
    display_name: str
    """`agent_name`, or `agent_name - context`."""
    identity_key: str
    """Normalised name and context; unique per owner."""
    avatar_seed: str
    """8 characters of base 36, the same for the same identity everywhere."""
    created_at: str
    """When the agent first signed in."""
    last_active: str
    """When the agent was last seen; of an agent without live sessions, to within LastSeenIntervalSeconds."""
    online: bool
    """Whether the agent has a live session."""
    active_sessions: int
    """Number of live sessions."""


class SessionPageBody(TypedDict):
    """A page of an agent's live sessions."""

    sessions: list[SessionBody]
    """The sessions, by handle."""
    next: str | None
    """Pass this as `next` to read on; null on the last page."""


class EndedBody(TypedDict):
    """How many live sessions were ended."""

    ended: int
    """Number of sessions that this request ended."""
    more: NotRequired[Literal[True]]
    """True where time ran out first: send the request again. Absent otherwise."""


class HealthBody(TypedDict):
    """The service and its database answer."""

    status: Literal["ok"]
    """Always `ok`."""


def timestamp(seconds: int) -> str:
    """Return epoch seconds as RFC 3339, UTC, in whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def session_body(session: Session) -> SessionBody:
    """Return a session as callers read it."""
    key = identity.identity_key(session.agent_name, session.context)
    return {
        "session_id": session.session_id,
        "agent_id": session.agent_id,
        "agent_name": session.agent_name,
        "context": session.context,
        "display_name": identity.display_name(session.agent_name, session.context),
        "identity_key": key,
        "avatar_seed": avatar_seed(key),
        "created_at": timestamp(session.created_at),
        "last_active": timestamp(session.last_active),
        "expires_at": timestamp(session.expires_at),
        "ends_at": timestamp(session.ends_at),
    }


def signed_in_body(signed_in: SignedIn) -> SignedInBody:
    """Return a new session with its token."""
    return {
        **session_body(signed_in.session),
        "session_token": signed_in.session_token,
        "reused": signed_in.reused,
    }


def agent_body(presence: Presence) -> AgentBody:
    """Return an agent as callers read it."""
    agent = presence.agent
    return {
        "agent_id": agent.agent_id,
        "agent_name": agent.agent_name,
        "context": agent.context,
        "display_name": identity.display_name(agent.agent_name, agent.context),
        "identity_key": agent.identity_key,
        "avatar_seed": avatar_seed(agent.identity_key),
        "created_at": timestamp(agent.created_at),
        "last_active": timestamp(presence.last_active),
        "online": presence.active_sessions > 0,
        "active_sessions": presence.active_sessions,
    }


def page_body(page: SessionPage) -> SessionPageBody:
    """Return a page of sessions."""
    return {"sessions": [session_body(each) for each in page.sessions], "next": page.next}


def ended_body(ended: Ended) -> EndedBody:
    """Return how many sessions were ended; `more` appears only where some are left."""
    return {"ended": ended.count, "more": True} if ended.more else {"ended": ended.count}
