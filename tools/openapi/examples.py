"""The examples of the OpenAPI document and of events/: one agent, its sessions, and what is returned for them.

They come from the code that makes real ones, so an id in an example is the id of the agent in the example, and an
error has the text that callers get.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from agent_sessions.domain.identity import Identity, agent_id
from agent_sessions.domain.models import Agent, AgentPage, Ended, Presence, Session, SessionPage, SignedIn, StopRequest
from agent_sessions.domain.tokens import SessionToken
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
from agent_sessions.http.caller import owner_of
from agent_sessions.http.json_body import MAX_BODY_BYTES, read_json_object
from agent_sessions.http.problems import Problem, problem_of
from agent_sessions.http.request_models import SignInInput
from agent_sessions.http.response_models import (
    AgentBody,
    AgentPageBody,
    EndedBody,
    HealthBody,
    SessionBody,
    SessionPageBody,
    SignedInBody,
    StopRequestBody,
    agent_page_body,
    ended_body,
    presence_body,
    session_body,
    session_page_body,
    signed_in_body,
)
from tools.openapi.route import Route

REQUEST_ID = "JKJaXmPLvHcESHA="
CALLER: dict[str, Any] = {
    "iam": {
        "accessKey": "ASIAIOSFODNN7EXAMPLE",
        "accountId": "111122223333",
        "callerId": "AROAIOSFODNN7EXAMPLE:worker-1",
        "cognitoIdentity": None,
        "principalOrgId": "o-exampleorg",
        "userArn": "arn:aws:sts::111122223333:assumed-role/agent-worker/worker-1",
        "userId": "AROAIOSFODNN7EXAMPLE:worker-1",
    }
}
"""What API Gateway passes for a signed request of a role."""

OWNER = owner_of({"requestContext": {"authorizer": CALLER}}, api_auth="AWS_IAM")
IDENTITY = Identity.of("Claude", "Project A")
AGENT_ID = agent_id(OWNER, IDENTITY.key)


def _token(first_byte: int) -> SessionToken:
    """Return the token that would be made if these were the random bytes: the same one each time."""
    with mock.patch("secrets.token_bytes", lambda size: bytes(range(first_byte, first_byte + size))):
        return SessionToken.mint(AGENT_ID)


def _at(clock: str, day: int = 22) -> int:
    return int(datetime.fromisoformat(f"2026-11-{day}T{clock}").replace(tzinfo=UTC).timestamp())


TOKEN, OTHER_TOKEN = _token(0), _token(16)
PATH: dict[str, str] = {"agent_id": AGENT_ID, "session_id": TOKEN.session_id}
"""Values of the parameters in paths."""

AGENT = Agent(
    agent_id=AGENT_ID,
    owner=OWNER,
    identity_key=IDENTITY.key,
    agent_name=IDENTITY.agent_name,
    context=IDENTITY.context,
    created_at=_at("09:15:02", day=20),
    last_active=_at("12:07:31"),
    sign_ins=42,
    incarnation="0a9c1e52-6f3b-8d41-9c07-5b2e8f4d7a16",
)
METADATA = {"model": "claude-opus", "host": "build-7"}
STOP_REQUEST = StopRequest("the budget of this run is used up", at=_at("12:07:58"))
NEW_SESSION = Session(
    agent_id=AGENT_ID,
    session_id=TOKEN.session_id,
    owner=OWNER,
    agent_name=IDENTITY.agent_name,
    context=IDENTITY.context,
    created_at=_at("12:00:00"),
    last_active=_at("12:00:00"),
    expires_at=_at("12:30:00"),
    ends_at=_at("00:00:00", day=23),
    idle_seconds=1800,
    sign_in_number=42,
    incarnation="0a9c1e52-6f3b-8d41-9c07-5b2e8f4d7a16",
    metadata=METADATA,
)
SESSION = replace(
    NEW_SESSION,
    last_active=_at("12:07:31"),
    expires_at=_at("12:37:31"),
    state="working",
    activity="reviewing pull request 12",
    progress_at=_at("12:06:12"),
)
OTHER_SESSION = replace(
    NEW_SESSION,
    session_id=OTHER_TOKEN.session_id,
    created_at=_at("11:48:10"),
    last_active=_at("12:05:44"),
    expires_at=_at("12:35:44"),
    ends_at=_at("23:48:10"),
    sign_in_number=41,
    state="waiting",
    activity="asking Ada which branch to use",
    progress_at=_at("12:05:44"),
    stop_requested=STOP_REQUEST,
)
PAGE = tuple(sorted((SESSION, OTHER_SESSION), key=lambda session: session.session_id))
BODIES: dict[Any, Any] = {
    SessionBody: session_body(SESSION),
    SignedInBody: signed_in_body(SignedIn(NEW_SESSION, TOKEN.secret, reused=True)),
    AgentBody: presence_body(Presence(AGENT, active_sessions=len(PAGE))),
    SessionPageBody: session_page_body(SessionPage(PAGE, next=f"{AGENT_ID}/{PAGE[-1].session_id}")),
    AgentPageBody: agent_page_body(AgentPage((AGENT,), next=AGENT_ID)),
    StopRequestBody: session_body(replace(SESSION, stop_requested=STOP_REQUEST))["stop_requested"],
    EndedBody: ended_body(Ended(len(PAGE), more=False)),
    HealthBody: {"status": "ok"},
}
"""A response body of each type, by type."""
AGENT_SESSIONS = session_page_body(SessionPage(PAGE, next=PAGE[-1].session_id))
"""A page of one agent's sessions, whose position is a session_id alone."""
FOUND_AGENTS = {"agents": [BODIES[AgentBody]], "next": None}
"""The page for a name: the one agent, with its presence."""
BLOCKED_AGENT = presence_body(Presence(replace(AGENT, blocked=True), active_sessions=0))
STOPPING_SESSION = session_body(replace(SESSION, stop_requested=STOP_REQUEST))


def body(route: Route) -> Any:
    """Return an example of the body of a route's success."""
    return route.success.example or BODIES[route.success.body]


def _raised_by(action: Callable[[], object]) -> AgentSessionsError:
    try:
        action()
    except AgentSessionsError as error:
        return error
    raise AssertionError(f"{action} raises nothing")


ERRORS: dict[type[Exception], Exception] = {
    ValidationError: _raised_by(lambda: SignInInput.read({"agent_name": " ", "contxt": "Project A"})),
    PayloadTooLargeError: _raised_by(lambda: read_json_object({"body": "x" * MAX_BODY_BYTES}, example="")),
    SessionTokenRequiredError: SessionTokenRequiredError(),
    InvalidSessionError: InvalidSessionError(),
    AgentBlockedError: AgentBlockedError(),
    CallerError: CallerError(),
    NotFoundError: NotFoundError("No such agent"),
    DatabaseError: DatabaseError("GetItem"),
    Exception: Exception(),
}


def problem(kind: type[Exception]) -> Problem:
    """Return the body that a caller gets for an error."""
    return problem_of(ERRORS[kind], REQUEST_ID)
