"""Errors as HTTP responses: RFC 9457 problem details, from one registry of exception types."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NotRequired, TypedDict

from agent_sessions.errors import (
    AgentBlockedError,
    AgentSessionsError,
    CallerError,
    DatabaseError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    SessionTokenRequiredError,
    ValidationError,
)

RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What one type of error becomes: a status, its name for programs, and headers."""

    status: HTTPStatus
    error: str
    headers: dict[str, str] = field(default_factory=dict)


# The nearest class of an exception decides.
RESPONSES: dict[type[Exception], ErrorResponse] = {
    ValidationError: ErrorResponse(HTTPStatus.BAD_REQUEST, "ValidationError"),
    PayloadTooLargeError: ErrorResponse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeError"),
    # RFC 6750, 3.1: a request without a token gets no error code.
    SessionTokenRequiredError: ErrorResponse(
        HTTPStatus.UNAUTHORIZED, "InvalidSessionError", {"WWW-Authenticate": "Bearer"}
    ),
    InvalidSessionError: ErrorResponse(
        HTTPStatus.UNAUTHORIZED, "InvalidSessionError", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    ),
    AgentBlockedError: ErrorResponse(HTTPStatus.FORBIDDEN, "AgentBlockedError"),
    CallerError: ErrorResponse(HTTPStatus.FORBIDDEN, "CallerError"),
    NotFoundError: ErrorResponse(HTTPStatus.NOT_FOUND, "NotFoundError"),
    DatabaseError: ErrorResponse(
        HTTPStatus.SERVICE_UNAVAILABLE, "DatabaseError", {"Retry-After": str(RETRY_AFTER_SECONDS)}
    ),
    Exception: ErrorResponse(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
}


class BadField(TypedDict):
    """One invalid field of a request."""

    field: str
    """Name of the field or parameter; `body` or `query` for the request as a whole."""
    message: str
    """What is wrong, and what to change."""


class Problem(TypedDict):
    """Problem details (RFC 9457)."""

    type: str
    """Always `about:blank`; `error` has the kind of error."""
    title: str
    """The standard phrase of the HTTP status."""
    status: int
    """The HTTP status."""
    detail: str
    """What went wrong, in a sentence for people."""
    error: str
    """The kind of error, for programs, such as `ValidationError` or `InvalidSessionError`."""
    request_id: str
    """Identifies the request in the logs. Include it when you report a problem."""
    errors: NotRequired[list[BadField]]
    """The invalid fields, if the request has any."""


def response_for(error: Exception) -> ErrorResponse:
    """Return what an error becomes."""
    return next(RESPONSES[kind] for kind in type(error).__mro__ if kind in RESPONSES)


def problem_of(error: Exception, request_id: str) -> Problem:
    """Return the body that describes an error; a bug is not described to callers."""
    response = response_for(error)
    is_bug = not isinstance(error, AgentSessionsError)
    problem: Problem = {
        "type": "about:blank",
        "title": response.status.phrase,
        "status": response.status.value,
        "detail": "An unexpected error. Retry, and report it with request_id." if is_bug else str(error),
        "error": response.error,
        "request_id": request_id,
    }
    if isinstance(error, ValidationError):
        problem["errors"] = [{"field": each.field, "message": each.message} for each in error.errors]
    return problem
