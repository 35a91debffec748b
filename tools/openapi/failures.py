"""The error responses of each route: of its function, and of API Gateway before or instead of it."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import groupby
from typing import Any

from agent_sessions.errors import (
    AgentBlockedError,
    CallerError,
    DatabaseError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    SessionTokenRequiredError,
    ValidationError,
)
from agent_sessions.http.problems import RESPONSES
from tools.openapi import examples
from tools.openapi.headers import ALWAYS, headers
from tools.openapi.route import Auth, Route
from tools.openapi.schemas import ERROR

MEANINGS: dict[type[Exception], str] = {
    ValidationError: "The request is invalid. `errors` names each bad field and what to change.",
    PayloadTooLargeError: "The body is 8 KB or larger.",
    SessionTokenRequiredError: "The request has no session token.",
    InvalidSessionError: (
        "The session token is malformed, unknown, expired or signed out; the response does not disclose which."
    ),
    AgentBlockedError: "The agent is blocked.",
    CallerError: "API Gateway passed no verified caller to the function.",
    NotFoundError: "The agent does not exist or belongs to another owner.",
    DatabaseError: "The database throttled the request or did not respond. Retry after `Retry-After` seconds.",
    Exception: "An unexpected error. Retry, and report it with `request_id`.",
}

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
GATEWAY: dict[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "From API Gateway: the access token is missing, expired or not valid (`ApiAuth=JWT`).",
    HTTPStatus.FORBIDDEN: (
        "From API Gateway: the signature is missing or wrong, or the caller lacks the permission or the scope."
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "From API Gateway: the body exceeds 10 MB.",
    HTTPStatus.TOO_MANY_REQUESTS: "From API Gateway: too many requests. Retry with increasing pauses.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "From API Gateway: the function crashed.",
    HTTPStatus.SERVICE_UNAVAILABLE: "From API Gateway: the function could not run in time. Retry.",
}
MESSAGES: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "Bad Request",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not Found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
}


def failures(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each error response of a route, by status.

    No response is a component, although routes share them: orval makes no types for components that are responses.
    """
    kinds = sorted((*route.errors, DatabaseError, Exception), key=lambda kind: RESPONSES[kind].status)
    raised = {status: list(group) for status, group in groupby(kinds, key=lambda kind: RESPONSES[kind].status)}
    for status in sorted({*raised, *_of_the_gateway(route)}):
        yield str(status.value), _response(route, status, raised.get(status, []))


def error_examples(routes: Iterable[Route]) -> dict[str, Any]:
    """Return an example of each error that the routes return, by its name."""
    kinds = {kind for route in routes for kind in (*route.errors, DatabaseError, Exception)}
    return {_name(kind): {"value": examples.problem(kind)} for kind in sorted(kinds, key=_name)}


def _of_the_gateway(route: Route) -> Iterator[HTTPStatus]:
    for status in GATEWAY:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and route.auth is not Auth.GATEWAY:
            continue
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and not route.body:
            continue
        yield status


def _response(route: Route, status: HTTPStatus, kinds: list[type[Exception]]) -> dict[str, Any]:
    """Return one response: the same schema under the media type of the function and under that of API Gateway."""
    meanings = [route.meanings.get(kind, MEANINGS[kind]) for kind in kinds]
    content: dict[str, Any] = {}
    response: dict[str, Any] = {}
    if kinds:
        response["headers"] = headers(*ALWAYS, *(name for kind in kinds for name in RESPONSES[kind].headers))
        content["application/problem+json"] = {
            "schema": ERROR,
            "examples": {_name(kind): {"$ref": f"#/components/examples/{_name(kind)}"} for kind in kinds},
        }
    if status in _of_the_gateway(route):
        meanings.append(GATEWAY[status])
    content["application/json"] = {"schema": ERROR, "example": {"message": MESSAGES[status]}}
    return {"description": " ".join(meanings), **response, "content": content}


def _name(kind: type[Exception]) -> str:
    return "InternalError" if kind is Exception else kind.__name__
