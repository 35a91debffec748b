"""Errors as HTTP responses: RFC 9457 problem details, from one registry of exception types."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NotRequired, TypedDict

from agent_sessions.errors import (
    AgentSessionsError,
    CallerError,
    DatabaseError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    ValidationError,
)

RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The status and the headers that one type of error is answered with."""

    status: HTTPStatus
    headers: dict[str, str] = field(default_factory=dict)


# An exception is answered by the nearest of its classes.
RESPONSES: dict[type[Exception], ErrorResponse] = {
    ValidationError: ErrorResponse(HTTPStatus.BAD_REQUEST),
    PayloadTooLargeError: ErrorResponse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    # RFC 6750, 3
    InvalidSessionError: ErrorResponse(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
    CallerError: ErrorResponse(HTTPStatus.FORBIDDEN),
    NotFoundError: ErrorResponse(HTTPStatus.NOT_FOUND),
    DatabaseError: ErrorResponse(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_SECONDS)}),
    Exception: ErrorResponse(HTTPStatus.INTERNAL_SERVER_ERROR),
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
    """Return how an error is answered."""
    return next(RESPONSES[kind] for kind in type(error).__mro__ if kind in RESPONSES)


def problem_of(error: Exception, request_id: str) -> Problem:
    """Return the body that tells a caller of an error; a bug is not described to callers."""
    status = response_for(error).status
    told = isinstance(error, AgentSessionsError)
    problem: Problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": str(error) if told else "Something went wrong on our side; try again, or report the request_id",
        "error": type(error).__name__ if told else "InternalError",
        "request_id": request_id,
    }
    if isinstance(error, ValidationError):
        problem["errors"] = [{"field": each.field, "message": each.message} for each in error.errors]
    return problem
