"""Each operation of the API as an exchange: its request, and how to read its response."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from agent_sessions_client.errors import NotFoundError, UnexpectedResponseError
from agent_sessions_client.exchange import Exchange, Request, Retries, Secret, send
from agent_sessions_client.models import Agent, Session, State


class Unchanged:
    """The type of UNCHANGED."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED = Unchanged()
"""Leaves what the agent reported before as it is; None removes it."""


@dataclass(frozen=True)
class SignIn:
    """Who signs in, and for how long; the fields are those of ``POST /sessions``."""

    agent_name: str
    context: str | None = None
    exclusive: bool = False
    metadata: Mapping[str, str] | None = None
    idle_seconds: int | None = None
    lifetime_seconds: int | None = None

    def body(self) -> dict[str, Any]:
        """Return the body of the request."""
        fields: dict[str, Any] = {
            "agent_name": self.agent_name,
            "context": self.context,
            "exclusive": self.exclusive or None,
            "metadata": None if self.metadata is None else dict(self.metadata),
            "idle_seconds": self.idle_seconds,
            "lifetime_seconds": self.lifetime_seconds,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True)
class Page:
    """A page of a list, which may be short or empty; ``next`` is None at the end."""

    items: list[Mapping[str, Any]]
    next: str | None


class Operations:
    """Makes the exchanges; ``retries`` applies to each request of them."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    # -- of agents, with a session token

    def sign_in(self, request: SignIn) -> Exchange[tuple[Session, Secret, bool]]:
        """Return the session, its token, and whether the agent existed before.

        A sign-in whose response was lost is not repeated: the first one may have left a session that nobody can use.
        """
        success = yield from send(Request("POST", "/sessions", body=request.body(), repeatable=False), self._retries)
        reused = success.body.get("reused")
        if success.session_token is None or not isinstance(reused, bool):
            raise UnexpectedResponseError("the response to the sign-in has no session_token")
        return Session.parse(success.body), success.session_token, reused

    def validate(self, token: Secret) -> Exchange[Session]:
        """Validate a session token, which also extends its session."""
        return Session.parse((yield from send(Request("GET", "/sessions/current", token=token), self._retries)).body)

    def progress(
        self,
        token: Secret,
        state: State | Unchanged | None,
        activity: str | Unchanged | None,
    ) -> Exchange[Session]:
        """Report what the agent is doing."""
        fields = {"state": state, "activity": activity}
        body = {name: value for name, value in fields.items() if not isinstance(value, Unchanged)}
        request = Request("PATCH", "/sessions/current", body=body, token=token)
        return Session.parse((yield from send(request, self._retries)).body)

    def sign_out(self, token: Secret) -> Exchange[None]:
        """End the session, or find it ended. A program that ends waits less than one that works."""
        retries = Retries(min(2, self._retries.attempts), min(5.0, self._retries.longest_wait))
        yield from send(Request("DELETE", "/sessions/current", token=token), retries)

    # -- of their owner

    def sessions(self, position: str | None) -> Exchange[Page]:
        """Return a page of the roster."""
        return (yield from self._page("/sessions", "sessions", position))

    def end_all(self) -> Exchange[int]:
        """End the sessions of all agents; return how many were live."""
        return (yield from self._end("/sessions"))

    def agents(self, position: str | None) -> Exchange[Page]:
        """Return a page of the agents."""
        return (yield from self._page("/agents", "agents", position))

    def find_agent(self, agent_name: str, context: str | None) -> Exchange[Agent | None]:
        """Return the agent with this name and context, or None."""
        query = {"agent_name": agent_name} | ({} if context is None else {"context": context})
        body = (yield from send(Request("GET", "/agents", query=query), self._retries)).body
        found = _items(body, "agents")
        return Agent.parse(found[0]) if found else None

    def agent(self, agent_id: str) -> Exchange[Agent]:
        """Return an agent with its presence."""
        return Agent.parse((yield from send(Request("GET", _agent(agent_id)), self._retries)).body)

    def set_blocked(self, agent_id: str, blocked: bool) -> Exchange[Agent]:
        """Block an agent, which also ends its sessions, or unblock it.

        The request is repeated until no session is left that it had no time to end.
        """
        request = Request("PATCH", _agent(agent_id), body={"blocked": blocked})
        while True:
            agent = Agent.parse((yield from send(request, self._retries)).body)
            if not (blocked and agent.active_sessions_capped):
                return agent

    def delete_agent(self, agent_id: str) -> Exchange[None]:
        """Block an agent, end its sessions, and forget it."""
        try:
            yield from send(Request("DELETE", _agent(agent_id)), self._retries)
        except NotFoundError as error:
            # An earlier attempt, whose response was lost, has deleted it.
            if error.attempts == 1:
                raise

    def agent_sessions(self, agent_id: str, position: str | None) -> Exchange[Page]:
        """Return a page of an agent's sessions."""
        return (yield from self._page(f"{_agent(agent_id)}/sessions", "sessions", position))

    def end_agent_sessions(self, agent_id: str) -> Exchange[int]:
        """End all sessions of an agent; return how many were live."""
        return (yield from self._end(f"{_agent(agent_id)}/sessions"))

    def set_stop_request(self, agent_id: str, session_id: str, reason: str | None) -> Exchange[Session]:
        """Ask the agent to stop, or withdraw the request."""
        request = Request("PATCH", _session(agent_id, session_id), body={"stop_requested": reason})
        return Session.parse((yield from send(request, self._retries)).body)

    def end_session(self, agent_id: str, session_id: str) -> Exchange[None]:
        """End one session; this also succeeds if it had already ended."""
        yield from send(Request("DELETE", _session(agent_id, session_id)), self._retries)

    def health(self) -> Exchange[None]:
        """Return if the service and its database respond."""
        yield from send(Request("GET", "/health"), self._retries)

    def _page(self, path: str, name: str, position: str | None) -> Exchange[Page]:
        query = {} if position is None else {"next": position}
        body = (yield from send(Request("GET", path, query=query), self._retries)).body
        following = body.get("next")
        if not (following is None or isinstance(following, str)):
            raise UnexpectedResponseError(f"GET {path} returned a position that is not a string")
        if following == position and position is not None:
            raise UnexpectedResponseError(f"GET {path} returned the same position again")
        return Page(_items(body, name), following)

    def _end(self, path: str) -> Exchange[int]:
        """Repeat the request until nothing is left: each one ends as many sessions as fit into its time."""
        ended = 0
        while True:
            body = (yield from send(Request("DELETE", path), self._retries)).body
            count = body.get("ended")
            if not isinstance(count, int):
                raise UnexpectedResponseError(f"DELETE {path} returned no number of ended sessions")
            ended += count
            if not body.get("more"):
                return ended


def _items(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    items = body.get(name)
    if not isinstance(items, list):
        raise UnexpectedResponseError(f"the response has no list of {name}")
    return items


def _agent(agent_id: str) -> str:
    return f"/agents/{quote(agent_id, safe='')}"


def _session(agent_id: str, session_id: str) -> str:
    return f"{_agent(agent_id)}/sessions/{quote(session_id, safe='')}"
