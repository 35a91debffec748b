"""The core without I/O: what to send, when to wait, when to try again, and which error a response means.

An exchange is a generator. It yields a Request to be sent, and receives the Reply or the Failure; or it yields a Pause,
and receives None after it. `Client` and `AsyncClient` drive the same exchanges.
"""

import json
import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from agent_sessions_client.errors import AgentSessionsError, ConnectionFailedError, UnexpectedResponseError, error_for

Method = Literal["GET", "POST", "PATCH", "DELETE"]

RETRYABLE_STATUSES = (429, 503)
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0


class Secret(str):
    """A string that no repr, and so no traceback with local variables, shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True)
class Request:
    """One request, without its address and its headers.

    Attributes:
        path: Begins with a slash; each segment is already percent-encoded.
        token: The session token that authorizes it. None: the gateway's credentials authorize it.
        repeatable: Whether it may be sent again although an earlier attempt may have been executed.
    """

    method: Method
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    token: Secret | None = None
    repeatable: bool = True


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """A response. Its headers have names in lower case; its content may contain a token."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Failure:
    """No response: why, and whether the request may have reached the service."""

    reason: str
    sent: bool


@dataclass(frozen=True)
class Success:
    """A response with a 2xx status; the session token of a sign-in is not part of its body."""

    body: Mapping[str, Any]
    session_token: Secret | None = None


@dataclass(frozen=True)
class Retries:
    """How often a request is sent again.

    Attributes:
        attempts: The most times that one request is sent.
        longest_wait: Seconds that the pauses of one request may take together. A response whose ``Retry-After``
            exceeds what is left is raised at once.
    """

    attempts: int = 5
    longest_wait: float = 30.0


DEFAULT_RETRIES = Retries()


Result = TypeVar("Result")
Exchange = Generator[Request | Pause, Reply | Failure | None, Result]


def send(request: Request, retries: Retries) -> Exchange[Success]:
    """Send a request until it succeeds, fails for good, or the attempts are used up.

    Raises:
        ApiError: the response has an error status.
        ConnectionFailedError: there was no response.
        UnexpectedResponseError: the response is not one of this API.
    """
    waited = 0.0
    attempt = 0
    while True:
        attempt += 1
        reply = yield request
        if reply is None:
            raise TypeError("a request needs a Reply or a Failure")
        if isinstance(reply, Reply) and reply.status < 300:
            return _parse_success(reply)
        after = _retry_after(reply) if isinstance(reply, Reply) else None
        pause = (after or 0.0) + _backoff(attempt)
        waited += pause
        if attempt >= retries.attempts or waited > retries.longest_wait or not _is_retryable(request, reply):
            raise _error(request, reply, after, attempt)
        yield Pause(pause)


def _is_retryable(request: Request, reply: Reply | Failure) -> bool:
    if isinstance(reply, Failure):
        return request.repeatable or not reply.sent
    return reply.status in RETRYABLE_STATUSES


def _error(request: Request, reply: Reply | Failure, after: float | None, attempts: int) -> AgentSessionsError:
    if isinstance(reply, Failure):
        message = f"{request.method} {request.path} got no response: {reply.reason}"
        return ConnectionFailedError(message, sent=reply.sent)
    body = _json_object(reply)
    # A 404 of API Gateway has no problem details: it knows no such route.
    is_unknown_route = reply.status == 404 and (body is None or "error" not in body)
    if reply.status < 400 or is_unknown_route:
        return UnexpectedResponseError(
            f"{request.method} {request.path} returned a {reply.status} that is not from this API: check the URL"
        )
    return error_for(reply.status, body or {}, retry_after=after, attempts=attempts)


def _parse_success(reply: Reply) -> Success:
    if not reply.content:
        return Success({})
    body = _json_object(reply)
    if body is None:
        raise UnexpectedResponseError(f"a response {reply.status} is not a JSON object: check the URL")
    token = body.pop("session_token", None)
    return Success(body, Secret(token) if isinstance(token, str) else None)


def _json_object(reply: Reply) -> dict[str, Any] | None:
    try:
        body = json.loads(reply.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after(reply: Reply) -> float | None:
    """Return the seconds of Retry-After; this API sends no dates there."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _backoff(attempt: int) -> float:
    """Return a random pause ("full jitter"), so that clients that failed together do not return together."""
    return random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)))  # noqa: S311
