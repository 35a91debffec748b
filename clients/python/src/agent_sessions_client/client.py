"""The client for programs with threads."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from agent_sessions_client.auth import Auth, NoAuth, auth_from_environment, url_from_environment
from agent_sessions_client.driver import SyncDriver, checked_token, checked_url
from agent_sessions_client.errors import AgentSessionsError
from agent_sessions_client.exchange import DEFAULT_RETRIES, Exchange, Retries, Secret
from agent_sessions_client.models import Agent, Session
from agent_sessions_client.operations import Operations, Page, SignIn
from agent_sessions_client.session import SignedInSession
from agent_sessions_client.signed_in import SignedIn

logger = logging.getLogger("agent_sessions_client")


class Client:
    """Calls the service. Safe with threads; close it, or use it in a `with` statement.

    Args:
        url: URL of the service: the stack output `ApiUrl`.
        auth: How the gateway verifies the caller: `AwsAuth`, `JwtAuth`, or nothing for `ApiAuth=NONE`.
        retries: How often requests are sent again after 429, 503 or no response.
        http_client: An `httpx2.Client` of the caller's, for proxies or client certificates; it stays open.
        allow_http: Permits an http:// URL of another machine, on which tokens travel unencrypted.
    """

    def __init__(
        self,
        url: str,
        auth: Auth | None = None,
        *,
        retries: Retries = DEFAULT_RETRIES,
        http_client: httpx2.Client | None = None,
        allow_http: bool = False,
    ) -> None:
        self._operations = Operations(retries)
        self._driver = SyncDriver(checked_url(url, allow_http=allow_http), auth or NoAuth(), http_client)

    @classmethod
    def from_environment(cls, *, retries: Retries = DEFAULT_RETRIES) -> "Client":
        """Return a client for `API_URL`, with the credentials that `API_AUTH` names (see `auth_from_environment`)."""
        url = url_from_environment()
        return cls(url, auth_from_environment(url), retries=retries)

    def __repr__(self) -> str:
        return f"Client({self._driver.url!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    # -- agents

    @contextmanager
    def signed_in(
        self,
        agent_name: str,
        context: str | None = None,
        *,
        exclusive: bool = False,
        metadata: Mapping[str, str] | None = None,
        idle_seconds: int | None = None,
        lifetime_seconds: int | None = None,
        touch_every: float | None = None,
    ) -> "Iterator[SignedInSession]":
        """Sign an agent in while the block runs, and out at its end. The arguments are those of `sign_in`.

        A sign-out that fails is logged as a warning, because the work is done: the session then ends by itself, at its
        idle timeout.
        """
        session = self.sign_in(
            agent_name,
            context,
            exclusive=exclusive,
            metadata=metadata,
            idle_seconds=idle_seconds,
            lifetime_seconds=lifetime_seconds,
            touch_every=touch_every,
        )
        try:
            yield session
        finally:
            try:
                session.sign_out()
            except AgentSessionsError as error:
                logger.warning("signing out failed, so the session ends at its idle timeout: %s", error)

    def sign_in(
        self,
        agent_name: str,
        context: str | None = None,
        *,
        exclusive: bool = False,
        metadata: Mapping[str, str] | None = None,
        idle_seconds: int | None = None,
        lifetime_seconds: int | None = None,
        touch_every: float | None = None,
    ) -> "SignedInSession":
        """Sign an agent in; the caller signs it out.

        Args:
            agent_name: Name of the agent, 1 to 100 characters.
            context: What it works on. The same name and context is the same agent.
            exclusive: End its other sessions.
            metadata: Up to 16 pairs that every representation of the session carries, such as the model.
            idle_seconds: The session ends after so many seconds without use, by default 30 minutes.
            lifetime_seconds: The session ends after so many seconds in any case, by default 12 hours.
            touch_every: Touch the session in the background, every so many seconds, so that it outlives long pauses of
                the program, and so that `stop_requested` is current. Off by default: then a program that hangs, or
                has lost its work, does not look alive. Touching is never progress, and never signs in.

        Raises:
            AgentBlockedError: the owner has blocked the agent.
            CallerError: the gateway did not accept the credentials.
        """
        request = SignIn(agent_name, context, exclusive, metadata, idle_seconds, lifetime_seconds)
        state = SignedIn(self._operations, request)
        self._driver.run(state.sign_in())
        session = SignedInSession(state, self._operations, self._driver)
        if touch_every is not None:
            session.touch_every(touch_every)
        return session

    def resume(self, session_token: str, *, validate: bool = True) -> "SignedInSession":
        """Continue the session of a token from elsewhere; it never signs in again.

        Args:
            session_token: The token.
            validate: Validate it now. If not, the first use shows whether the session is live, and until then nothing
                is known of it.

        Raises:
            InvalidSessionError: the session has ended.
        """
        state = SignedIn(self._operations, None, checked_token(Secret(session_token)))
        if validate:
            self._driver.run(state.use(self._operations.validate))
        return SignedInSession(state, self._operations, self._driver)

    # -- their owner

    def sessions(self) -> Iterator[Session]:
        """Return the live sessions of all agents, page by page; a new one appears within seconds."""
        return (Session.parse(each) for each in self._pages(self._operations.sessions))

    def end_all_sessions(self) -> int:
        """Sign every agent out; return how many sessions were live."""
        return self._driver.run(self._operations.end_all())

    def agents(self) -> Iterator[Agent]:
        """Return all agents, page by page, without their presence."""
        return (Agent.parse(each) for each in self._pages(self._operations.agents))

    def find_agent(self, agent_name: str, context: str | None = None) -> Agent | None:
        """Return the agent with this name and context and its presence, or None."""
        return self._driver.run(self._operations.find_agent(agent_name, context))

    def agent(self, agent_id: str) -> Agent:
        """Return an agent with its presence; raises NotFoundError."""
        return self._driver.run(self._operations.agent(agent_id))

    def block(self, agent_id: str) -> Agent:
        """Block an agent: its sessions end, and it cannot sign in; raises NotFoundError."""
        return self._driver.run(self._operations.set_blocked(agent_id, True))

    def unblock(self, agent_id: str) -> Agent:
        """Let an agent sign in again; raises NotFoundError."""
        return self._driver.run(self._operations.set_blocked(agent_id, False))

    def delete_agent(self, agent_id: str) -> None:
        """End an agent's sessions and forget it; raises NotFoundError. It can sign in again, as a new agent."""
        self._driver.run(self._operations.delete_agent(agent_id))

    def agent_sessions(self, agent_id: str) -> Iterator[Session]:
        """Return the live sessions of an agent, page by page; raises NotFoundError."""
        pages = self._pages(lambda position: self._operations.agent_sessions(agent_id, position))
        return (Session.parse(each) for each in pages)

    def end_agent_sessions(self, agent_id: str) -> int:
        """Sign an agent out everywhere; return how many sessions were live. It may sign in again: see `block`."""
        return self._driver.run(self._operations.end_agent_sessions(agent_id))

    def request_stop(self, agent_id: str, session_id: str, reason: str) -> Session:
        """Ask an agent to stop: it sees the reason when it next uses its session; raises NotFoundError."""
        return self._driver.run(self._operations.set_stop_request(agent_id, session_id, reason))

    def withdraw_stop(self, agent_id: str, session_id: str) -> Session:
        """Withdraw such a request; raises NotFoundError."""
        return self._driver.run(self._operations.set_stop_request(agent_id, session_id, None))

    def end_session(self, agent_id: str, session_id: str) -> None:
        """End one session; raises NotFoundError if the agent does not exist."""
        self._driver.run(self._operations.end_session(agent_id, session_id))

    def check_health(self) -> None:
        """Return if the service and its database respond; raises UnavailableError or ConnectionFailedError."""
        self._driver.run(self._operations.health())

    def _pages(self, read: Callable[[str | None], Exchange[Page]]) -> Iterator[Mapping[str, Any]]:
        position: str | None = None
        while True:
            page = self._driver.run(read(position))
            yield from page.items
            position = page.next
            if position is None:
                return
