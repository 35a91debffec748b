"""Every route of the HTTP API, once.

The OpenAPI document, events/, the route table in README.md, `make invoke` and the tests' drivers derive from this
table, and tests compare it with template.yaml and with the functions. The functions do not import it.
"""

from http import HTTPStatus

from agent_sessions.errors import (
    CallerError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    ValidationError,
)
from agent_sessions.http.request_models import FindAgentInput, ListSessionsInput, SignInInput
from agent_sessions.http.response_models import (
    AgentBody,
    EndedBody,
    HealthBody,
    SessionBody,
    SessionPageBody,
    SignedInBody,
)
from tools.openapi.route import Auth, Route, Success

AGENT = {"agent_id": "$response.body#/agent_id"}
SESSION = AGENT | {"session_id": "$response.body#/session_id"}
TOKEN = {"header.Authorization": "Bearer {$response.body#/session_token}"}
SAME_AGENT = {"agent_id": "$request.path.agent_id"}

CLAUDE = {"agent_name": "Claude", "context": "Project A"}

ROUTES = [
    Route(
        "POST",
        "/sessions",
        function="sessions",
        auth=Auth.GATEWAY,
        operation_id="signIn",
        tag="Sessions",
        summary="Sign in",
        description=(
            "Recognises the agent by its name and context, or creates it, and starts a new session. The response is "
            "the only one that contains the `session_token`: the service does not store it. An agent may have several "
            "sessions at once, unless it signs in with `exclusive`."
        ),
        body=SignInInput,
        example_body=CLAUDE,
        errors=(ValidationError, PayloadTooLargeError, CallerError),
        success=Success(
            status=HTTPStatus.CREATED,
            description="The agent is signed in.",
            body=SignedInBody,
            location=True,
            links={
                "validateSession": TOKEN,
                "signOut": TOKEN,
                "getAgent": AGENT,
                "listAgentSessions": AGENT,
                "endAgentSessions": AGENT,
                "endAgentSession": SESSION,
            },
        ),
    ),
    Route(
        "GET",
        "/sessions/current",
        function="sessions",
        auth=Auth.TOKEN,
        operation_id="validateSession",
        tag="Sessions",
        summary="Validate a session token",
        description=(
            "Returns the session of the token and records its use, which extends the session up to its `ends_at`. "
            "The service writes at most one such extension per touch interval (one minute by default)."
        ),
        errors=(InvalidSessionError,),
        success=Success(
            status=HTTPStatus.OK,
            description="The session is live.",
            body=SessionBody,
            links={
                "getAgent": AGENT,
                "listAgentSessions": AGENT,
                "endAgentSessions": AGENT,
                "endAgentSession": SESSION,
            },
        ),
    ),
    Route(
        "DELETE",
        "/sessions/current",
        function="sessions",
        auth=Auth.TOKEN,
        operation_id="signOut",
        tag="Sessions",
        summary="Sign out",
        description="Ends the session of the token. It also succeeds if the session had ended before.",
        errors=(InvalidSessionError,),
        meanings={InvalidSessionError: "The session token is missing or malformed."},
        success=Success(status=HTTPStatus.NO_CONTENT, description="The session has ended, now or before."),
    ),
    Route(
        "GET",
        "/agents",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="findAgent",
        tag="Agents",
        summary="Find an agent by name and context",
        description="Returns the caller's agent with this name and context, and whether it is online.",
        query=FindAgentInput,
        example_query=CLAUDE,
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="The agent and its presence.",
            body=AgentBody,
            links={"getAgent": AGENT, "listAgentSessions": AGENT, "endAgentSessions": AGENT},
        ),
    ),
    Route(
        "GET",
        "/agents/{agent_id}",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="getAgent",
        tag="Agents",
        summary="Get an agent",
        description="Returns one of the caller's agents, and whether it is online.",
        errors=(CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="The agent and its presence.",
            body=AgentBody,
            links={"listAgentSessions": AGENT, "endAgentSessions": AGENT},
        ),
    ),
    Route(
        "GET",
        "/agents/{agent_id}/sessions",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="listAgentSessions",
        tag="Agents",
        summary="List an agent's sessions",
        description=(
            "Returns the agent's live sessions, one page at a time. A page can be shorter than `limit`; only "
            "`next: null` marks the last page."
        ),
        query=ListSessionsInput,
        example_query={"limit": "10"},
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="One page of live sessions.",
            body=SessionPageBody,
            links={
                "listAgentSessions": SAME_AGENT | {"next": "$response.body#/next"},
                "endAgentSession": SAME_AGENT | {"session_id": "$response.body#/sessions/0/session_id"},
                "endAgentSessions": SAME_AGENT,
            },
        ),
    ),
    Route(
        "DELETE",
        "/agents/{agent_id}/sessions",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="endAgentSessions",
        tag="Agents",
        summary="End all sessions of an agent",
        description=(
            "Signs the agent out everywhere. If the request runs out of time, the response contains `more`: send the "
            "request again until it does not. The agent can sign in again."
        ),
        errors=(CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="The sessions have ended; if `more` is present, some are left.",
            body=EndedBody,
        ),
    ),
    Route(
        "DELETE",
        "/agents/{agent_id}/sessions/{session_id}",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="endAgentSession",
        tag="Agents",
        summary="End one session of an agent",
        description="Ends a session by its public handle. It also succeeds if the session had ended before.",
        errors=(CallerError, NotFoundError),
        success=Success(status=HTTPStatus.NO_CONTENT, description="The session has ended, now or before."),
    ),
    Route(
        "GET",
        "/health",
        function="sessions",
        auth=Auth.ANYONE,
        operation_id="checkHealth",
        tag="Health",
        summary="Check the service and its database",
        description="Reads from the database, at the lowest possible cost, and returns 200 if that succeeds.",
        success=Success(status=HTTPStatus.OK, description="The service and its database respond.", body=HealthBody),
    ),
]

BY_KEY = {route.key: route for route in ROUTES}
BY_NAME = {route.name: route for route in ROUTES}
FUNCTIONS = sorted({route.function for route in ROUTES})
