"""What can go wrong, as types. No message contains a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class AgentSessionsError(Exception):
    """Base class of everything that this package raises for a call."""


class CredentialsError(AgentSessionsError):
    """No usable credentials for the gateway were found; the request was not sent."""


class ConnectionFailedError(AgentSessionsError):
    """The service could not be reached, or its response was lost.

    Attributes:
        sent: Whether the request may have reached the service, and may have been executed.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class UnexpectedResponseError(AgentSessionsError):
    """The response is not from this API, but for example from a proxy: check the URL."""


@dataclass(frozen=True)
class BadField:
    """One invalid field of a request, and what to change."""

    field: str
    message: str


@dataclass(frozen=True)
class Problem:
    """Problem details (RFC 9457), or the message of API Gateway.

    Attributes:
        status: The HTTP status.
        detail: What went wrong, in a sentence for people.
        error: The kind of error, for programs; None if API Gateway responded.
        request_id: Identifies the request in the service's logs.
        errors: The invalid fields, if the request has any.
    """

    status: int
    detail: str
    error: str | None = None
    request_id: str | None = None
    errors: tuple[BadField, ...] = ()


class ApiError(AgentSessionsError):
    """The service, or the gateway in front of it, refused a request or could not execute it.

    Attributes:
        problem: The body of the response.
        retry_after: Seconds after which the response allows another attempt, or None.
        attempts: How often the request was sent.
    """

    def __init__(self, problem: Problem, *, retry_after: float | None = None, attempts: int = 1) -> None:
        fields = "".join(f"; {each.field}: {each.message}" for each in problem.errors if each.message != problem.detail)
        request = f" (request {problem.request_id})" if problem.request_id else ""
        super().__init__(f"{problem.status} {problem.error or 'from API Gateway'}: {problem.detail}{fields}{request}")
        self.problem = problem
        self.retry_after = retry_after
        self.attempts = attempts


class ValidationError(ApiError):
    """400: `problem.errors` names each bad field and what to change."""


class PayloadTooLargeError(ApiError):
    """413: the body has 8 KB or more."""


class InvalidSessionError(ApiError):
    """401: the session has ended, or the token is not valid."""


class AgentBlockedError(ApiError):
    """403: the owner has blocked the agent. It cannot sign in until the owner unblocks it."""


class CallerError(ApiError):
    """401 or 403: the gateway did not accept the caller's credentials."""


class NotFoundError(ApiError):
    """404: the agent or session does not exist, or belongs to another owner."""


class ThrottledError(ApiError):
    """429: the gateway throttled every attempt."""


class UnavailableError(ApiError):
    """503: the service or its database did not respond at any attempt. The session may still be live."""


class InternalError(ApiError):
    """500: an unexpected error of the service. Report it with `problem.request_id`."""


_BY_NAME: dict[str, type[ApiError]] = {
    "ValidationError": ValidationError,
    "PayloadTooLargeError": PayloadTooLargeError,
    "InvalidSessionError": InvalidSessionError,
    "AgentBlockedError": AgentBlockedError,
    "CallerError": CallerError,
    "NotFoundError": NotFoundError,
    "DatabaseError": UnavailableError,
    "InternalError": InternalError,
}
# API Gateway's own responses have no name.
_BY_STATUS: dict[int, type[ApiError]] = {
    400: ValidationError,
    401: CallerError,
    403: CallerError,
    413: PayloadTooLargeError,
    429: ThrottledError,
    500: InternalError,
    503: UnavailableError,
}


def error_for(status: int, body: Mapping[str, Any], *, retry_after: float | None, attempts: int) -> ApiError:
    """Return the exception for a response with an error status; later versions may add names."""
    errors = body.get("errors")
    problem = Problem(
        status=status,
        detail=str(body.get("detail") or body.get("message") or body.get("title") or "no detail"),
        error=_text(body.get("error")),
        request_id=_text(body.get("request_id")),
        errors=tuple(
            BadField(str(each.get("field")), str(each.get("message")))
            for each in (errors if isinstance(errors, list) else [])
            if isinstance(each, dict)
        ),
    )
    kind = _BY_NAME.get(problem.error or "") or _BY_STATUS.get(status, ApiError)
    return kind(problem, retry_after=retry_after, attempts=attempts)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
