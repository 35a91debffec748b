"""What callers read: agents and sessions as JSON objects. The OpenAPI document is generated from these types."""

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from agent_sessions.domain import identity
from agent_sessions.domain.avatar import avatar_seed
from agent_sessions.domain.models import (
    Agent,
    AgentPage,
    Ended,
    Presence,
    Session,
    SessionPage,
    SignedIn,
    State,
    StopRequest,
)
from agent_sessions.domain.times import timestamp


class StopRequestBody(TypedDict):
    """The owner asks the agent to stop."""

    reason: str
    """Why, for the agent to read."""
    at: str
    """When the owner asked."""


class SessionBody(TypedDict):
    """A period in which an agent is signed in."""

    session_id: str
    """Public id of the session; safe to list and log."""
    agent_id: str
    """The agent that is signed in."""
    owner: str
    """The caller that owns the agent, as the gateway verified it."""
    agent_name: str
    """Name of the agent, as of its first sign-in."""
    context: str | None
    """What the agent works on, as of its first sign-in."""
    display_name: str
    """`agent_name`, or `agent_name - context`. Not unique."""
    identity_key: str
    """Normalised name and context; unique per owner."""
    avatar_seed: str
    """8 base-36 characters derived from the identity key, for drawing an avatar."""
    metadata: Mapping[str, str]
    """The metadata that the agent sent at sign-in."""
    state: State | None
    """The state that the agent last reported."""
    activity: str | None
    """The activity that the agent last reported, in its own words."""
    progress_at: str | None
    """When the agent last reported progress; other use of the session does not change it."""
    stop_requested: StopRequestBody | None
    """Set if the owner asks the agent to stop."""
    created_at: str
    """When the agent signed in."""
    last_active: str
    """When use of the session was last recorded."""
    expires_at: str
    """When the session ends unless it is used."""
    ends_at: str
    """When the session ends even if it is in use."""


class SignedInBody(SessionBody):
    """A new session, with the token that only this response contains."""

    session_token: str
    """The secret to present as `Authorization: Bearer`; it cannot be read again."""
    reused: bool
    """Whether the agent existed before this sign-in."""


class AgentBody(TypedDict):
    """Who signs in. The same name and context is always the same agent."""

    agent_id: str
    """Id of the agent."""
    owner: str
    """The caller that owns the agent, as the gateway verified it."""
    agent_name: str
    """Name of the agent, as of its first sign-in."""
    context: str | None
    """What the agent works on, as of its first sign-in."""
    display_name: str
    """`agent_name`, or `agent_name - context`. Not unique."""
    identity_key: str
    """Normalised name and context; unique per owner."""
    avatar_seed: str
    """8 base-36 characters derived from the identity key, for drawing an avatar."""
    created_at: str
    """When the agent first signed in."""
    last_active: str
    """When the agent was last seen, at most LastSeenIntervalSeconds (five minutes by default) behind."""
    blocked: bool
    """Whether the agent is blocked, so that it cannot sign in."""
    online: NotRequired[bool]
    """Whether the agent has a live session. Absent in lists, and if the count was cut short before it found one."""
    active_sessions: NotRequired[int]
    """Number of live sessions. Absent in lists."""
    active_sessions_capped: NotRequired[Literal[True]]
    """True if `active_sessions` is a lower bound: the count stops at 1,000 or when time runs out. Absent otherwise."""


class SessionPageBody(TypedDict):
    """A page of live sessions; it can be short or empty."""

    sessions: list[SessionBody]
    """The sessions."""
    next: str | None
    """Send this as `next` to continue; null at the end."""


class AgentPageBody(TypedDict):
    """A page of agents; it can be short or empty."""

    agents: list[AgentBody]
    """The agents."""
    next: str | None
    """Send this as `next` to continue; null at the end."""


class EndedBody(TypedDict):
    """How many live sessions were ended."""

    ended: int
    """Number of sessions that this request ended."""
    more: bool
    """Whether sessions are left because time ran out: repeat the request."""


class HealthBody(TypedDict):
    """The service and its database respond."""

    status: Literal["ok"]
    """Always `ok`."""


def session_body(session: Session) -> SessionBody:
    """Return a session as callers read it."""
    key = identity.identity_key(session.agent_name, session.context)
    return {
        "session_id": session.session_id,
        "agent_id": session.agent_id,
        "owner": session.owner,
        "agent_name": session.agent_name,
        "context": session.context,
        "display_name": identity.display_name(session.agent_name, session.context),
        "identity_key": key,
        "avatar_seed": avatar_seed(key),
        "metadata": dict(session.metadata),
        "state": session.state,
        "activity": session.activity,
        "progress_at": None if session.progress_at is None else timestamp(session.progress_at),
        "stop_requested": _stop_request_body(session.stop_requested),
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


def agent_body(agent: Agent) -> AgentBody:
    """Return an agent as callers read it in a list."""
    return {
        "agent_id": agent.agent_id,
        "owner": agent.owner,
        "agent_name": agent.agent_name,
        "context": agent.context,
        "display_name": identity.display_name(agent.agent_name, agent.context),
        "identity_key": agent.identity_key,
        "avatar_seed": avatar_seed(agent.identity_key),
        "created_at": timestamp(agent.created_at),
        "last_active": timestamp(agent.last_active),
        "blocked": agent.blocked,
    }


def presence_body(presence: Presence) -> AgentBody:
    """Return an agent with its presence."""
    body = agent_body(presence.agent)
    body["active_sessions"] = presence.active_sessions
    if presence.capped:
        body["active_sessions_capped"] = True
    if presence.active_sessions or not presence.capped:
        body["online"] = presence.active_sessions > 0
    return body


def session_page_body(page: SessionPage) -> SessionPageBody:
    """Return a page of sessions."""
    return {"sessions": [session_body(each) for each in page.sessions], "next": page.next}


def agent_page_body(page: AgentPage) -> AgentPageBody:
    """Return a page of agents."""
    return {"agents": [agent_body(each) for each in page.agents], "next": page.next}


def found_agent_body(presence: Presence | None) -> AgentPageBody:
    """Return the agent that was looked up by name, or none, as a page."""
    return {"agents": [] if presence is None else [presence_body(presence)], "next": None}


def ended_body(ended: Ended) -> EndedBody:
    """Return how many sessions were ended."""
    return {"ended": ended.count, "more": ended.more}


def _stop_request_body(request: StopRequest | None) -> StopRequestBody | None:
    return None if request is None else {"reason": request.reason, "at": timestamp(request.at)}
