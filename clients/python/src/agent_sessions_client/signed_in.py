"""A signed-in agent: its token, what is known of its session, and when it may sign in again. No I/O."""

import logging
from collections.abc import Callable

from agent_sessions_client.errors import (
    AgentBlockedError,
    AgentSessionsError,
    CallerError,
    InvalidSessionError,
    Problem,
)
from agent_sessions_client.exchange import Exchange, Secret
from agent_sessions_client.models import Session, StopRequest
from agent_sessions_client.operations import Operations, SignIn

logger = logging.getLogger("agent_sessions_client")

NO_TOKEN = Secret()
Use = Callable[[Secret], Exchange[Session]]


class SignedIn:
    """The state that `SignedInSession` and `AsyncSignedInSession` share.

    Args:
        operations: Makes the exchanges.
        request: How to sign in, also again; None for a token that came from elsewhere.
        token: That token.
    """

    def __init__(self, operations: Operations, request: SignIn | None, token: Secret = NO_TOKEN) -> None:
        self._operations = operations
        self._request = request
        # Another exclusive sign-in has ended this session: to sign in again would end that one in turn.
        self._may_sign_in_again = request is not None and not request.exclusive
        self._token = token
        self._ended_token: Secret | None = None
        self._session: Session | None = None
        self.is_signed_out = False
        self.reused: bool | None = None

    def __repr__(self) -> str:
        if self._session is None:
            return "not used yet"
        return f"{self._session.display_name!r}, session_id={self._session.session_id!r}"

    @property
    def token(self) -> Secret:
        """The current session token."""
        return self._token

    @property
    def session(self) -> Session:
        """The session as of the last response."""
        if self._session is None:
            raise RuntimeError("nothing is known of the session before its first use")
        return self._session

    def sign_in(self) -> Exchange[None]:
        """Sign in; a 401 or 403 forbids this object to sign in again."""
        if self._request is None:
            raise RuntimeError("a resumed session cannot sign in")
        try:
            self._session, self._token, self.reused = yield from self._operations.sign_in(self._request)
        except (AgentBlockedError, CallerError):
            self._may_sign_in_again = False
            raise
        self.is_signed_out = False

    def use(self, use: Use) -> Exchange[Session]:
        """Use the session; if it has ended, sign in again once, unless that is forbidden, and repeat the use."""
        if self.is_signed_out:
            raise InvalidSessionError(Problem(401, "this program has signed out of the session", "InvalidSessionError"))
        ended = yield from self._try(use)
        if ended is None:
            return self.session
        if not self._may_sign_in_again:
            raise ended
        yield from self.sign_in()
        ended = yield from self._try(use)
        if ended is not None:
            raise ended
        return self.session

    def touch_in_background(self) -> Exchange[None]:
        """Touch the session unless it is known to have ended. An outage changes nothing, and nothing signs in."""
        token = self._token
        if token == self._ended_token:
            return
        try:
            session = yield from self._operations.validate(token)
        except InvalidSessionError:
            self._ended_token = token
        except AgentSessionsError as error:
            logger.info("a touch in the background failed: %s", error)
        else:
            if token == self._token:
                self._session = session

    def sign_out(self) -> Exchange[None]:
        """End the session; later uses fail without a request."""
        self.is_signed_out = True
        yield from self._operations.sign_out(self._token)

    def _try(self, use: Use) -> Exchange[InvalidSessionError | None]:
        """Use the session; return the error of a session that has ended, and raise every other."""
        try:
            self._session = yield from use(self._token)
        except InvalidSessionError as error:
            return error
        return None


class SignedInView:
    """What a program reads of a signed-in agent, without a request."""

    def __init__(self, state: SignedIn) -> None:
        self._state = state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state})"

    @property
    def session(self) -> Session:
        """The session as of the last response."""
        return self._state.session

    @property
    def agent_id(self) -> str:
        """Id of the agent."""
        return self.session.agent_id

    @property
    def session_id(self) -> str:
        """Public id of the session; it changes if the agent signs in again."""
        return self.session.session_id

    @property
    def stop_requested(self) -> StopRequest | None:
        """Whether the owner asks the agent to stop, as of the last response: `touch`, `progress` or the background."""
        return self.session.stop_requested

    @property
    def reused(self) -> bool | None:
        """Whether the agent existed before the sign-in; None for a resumed session."""
        return self._state.reused

    @property
    def session_token(self) -> Secret:
        """The secret, for services that validate it; it changes if the agent signs in again. Its repr hides it."""
        return self._state.token


def check_interval(seconds: float) -> None:
    """Raise ValueError unless there is time between two touches."""
    if not seconds > 0:
        raise ValueError("touch_every must be more than 0 seconds")
