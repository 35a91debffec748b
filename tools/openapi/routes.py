"""Every route: what it takes, and everything it answers."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from agent_sessions.errors import (
    CallerError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    ValidationError,
)
from agent_sessions.http.request_models import FindAgentInput, Input, ListSessionsInput, SignInInput
from agent_sessions.http.response_models import (
    AgentBody,
    EndedBody,
    HealthBody,
    SessionBody,
    SessionPageBody,
    SignedInBody,
)

GATEWAY_AUTH: list[dict[str, list[str]]] = [{"iam": []}, {"jwt": []}, {}]
TOKEN_AUTH: list[dict[str, list[str]]] = [{"sessionToken": []}]
OPEN: list[dict[str, list[str]]] = []

AGENT = {"agent_id": "$response.body#/agent_id"}
SESSION = AGENT | {"session_id": "$response.body#/session_id"}
TOKEN = {"header.Authorization": "Bearer {$response.body#/session_token}"}
SAME_AGENT = {"agent_id": "$request.path.agent_id"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One route: what it takes, and everything it answers."""

    route: str
    name: str
    summary: str
    tag: str
    security: list[dict[str, list[str]]]
    status: HTTPStatus
    answers: str
    body: Any = None
    location: bool = False
    takes_body: type[Input] | None = None
    takes_query: type[Input] | None = None
    errors: tuple[type[Exception], ...] = ()
    meanings: dict[type[Exception], str] = field(default_factory=dict)
    links: dict[str, dict[str, str]] = field(default_factory=dict)
    """Operations that the answer leads to, with their parameters."""


OPERATIONS = [
    Operation(
        route="POST /sessions",
        name="signIn",
        summary="Sign in: recognise the agent by its name and context, and give it a new session",
        tag="sessions",
        security=GATEWAY_AUTH,
        takes_body=SignInInput,
        status=HTTPStatus.CREATED,
        answers="Signed in. The token is shown only here.",
        body=SignedInBody,
        location=True,
        errors=(ValidationError, PayloadTooLargeError, CallerError),
        links={
            "validate": TOKEN,
            "signOut": TOKEN,
            "getAgent": AGENT,
            "listSessions": AGENT,
            "endAllSessions": AGENT,
            "endSession": SESSION,
        },
    ),
    Operation(
        route="GET /sessions/current",
        name="validate",
        summary="Validate the session token and record its use",
        tag="sessions",
        security=TOKEN_AUTH,
        status=HTTPStatus.OK,
        answers="The session is live.",
        body=SessionBody,
        errors=(InvalidSessionError,),
        links={"getAgent": AGENT, "listSessions": AGENT, "endAllSessions": AGENT, "endSession": SESSION},
    ),
    Operation(
        route="DELETE /sessions/current",
        name="signOut",
        summary="Sign out",
        tag="sessions",
        security=TOKEN_AUTH,
        status=HTTPStatus.NO_CONTENT,
        answers="The session has ended, now or before; also where the token was never known.",
        errors=(InvalidSessionError,),
        meanings={InvalidSessionError: "The token is missing or malformed."},
    ),
    Operation(
        route="GET /agents",
        name="findAgent",
        summary="Find an agent by its name and context",
        tag="agents",
        security=GATEWAY_AUTH,
        takes_query=FindAgentInput,
        status=HTTPStatus.OK,
        answers="The agent and its presence.",
        body=AgentBody,
        errors=(ValidationError, CallerError, NotFoundError),
        links={"getAgent": AGENT, "listSessions": AGENT, "endAllSessions": AGENT},
    ),
    Operation(
        route="GET /agents/{agent_id}",
        name="getAgent",
        summary="Show an agent and its presence",
        tag="agents",
        security=GATEWAY_AUTH,
        status=HTTPStatus.OK,
        answers="The agent and its presence.",
        body=AgentBody,
        errors=(CallerError, NotFoundError),
        links={"listSessions": AGENT, "endAllSessions": AGENT},
    ),
    Operation(
        route="GET /agents/{agent_id}/sessions",
        name="listSessions",
        summary="List the live sessions of an agent, a page at a time",
        tag="agents",
        security=GATEWAY_AUTH,
        takes_query=ListSessionsInput,
        status=HTTPStatus.OK,
        answers="A page of sessions.",
        body=SessionPageBody,
        errors=(ValidationError, CallerError, NotFoundError),
        links={
            "listSessions": SAME_AGENT | {"next": "$response.body#/next"},
            "endSession": SAME_AGENT | {"session_id": "$response.body#/sessions/0/session_id"},
            "endAllSessions": SAME_AGENT,
        },
    ),
    Operation(
        route="DELETE /agents/{agent_id}/sessions",
        name="endAllSessions",
        summary="Sign an agent out everywhere",
        tag="agents",
        security=GATEWAY_AUTH,
        status=HTTPStatus.OK,
        answers="The sessions have ended; with `more`, not yet all of them.",
        body=EndedBody,
        errors=(CallerError, NotFoundError),
    ),
    Operation(
        route="DELETE /agents/{agent_id}/sessions/{session_id}",
        name="endSession",
        summary="End one session by its handle",
        tag="agents",
        security=GATEWAY_AUTH,
        status=HTTPStatus.NO_CONTENT,
        answers="The session has ended, now or before.",
        errors=(CallerError, NotFoundError),
    ),
    Operation(
        route="GET /health",
        name="health",
        summary="Tell whether the service and its database answer",
        tag="health",
        security=OPEN,
        status=HTTPStatus.OK,
        answers="They answer.",
        body=HealthBody,
    ),
]
