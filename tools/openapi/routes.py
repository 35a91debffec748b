"""Every route, once: those of the HTTP API, and those of the Model Context Protocol, which describes itself.

The OpenAPI document, events/, the route table in README.md, `make invoke` and the tests' drivers derive from this
table, and tests compare it with template.yaml and with the functions. The functions do not import it.
"""

from http import HTTPStatus

from agent_sessions.errors import (
    AgentBlockedError,
    CallerError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    SessionTokenRequiredError,
    ValidationError,
)
from agent_sessions.http.request_models import (
    BlockInput,
    ListAgentSessionsInput,
    ListAgentsInput,
    ListSessionsInput,
    ProgressInput,
    SignInInput,
    StopInput,
)
from agent_sessions.http.response_models import (
    AgentBody,
    AgentPageBody,
    EndedBody,
    HealthBody,
    SessionBody,
    SessionPageBody,
    SignedInBody,
)
from tools.openapi import examples
from tools.openapi.route import Auth, Route, Success

AGENT = {"agent_id": "$response.body#/agent_id"}
SESSION = AGENT | {"session_id": "$response.body#/session_id"}
TOKEN = {"header.Authorization": "Bearer {$response.body#/session_token}"}
SAME_AGENT = {"agent_id": "$request.path.agent_id"}

CLAUDE = {"agent_name": "Claude", "context": "Project A"}
NO_SESSION: dict[type[Exception], str] = {NotFoundError: "The caller has no such agent, or the session has ended."}

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
        example_body=CLAUDE | {"metadata": examples.METADATA},
        errors=(ValidationError, PayloadTooLargeError, AgentBlockedError, CallerError),
        success=Success(
            status=HTTPStatus.CREATED,
            description="The agent is signed in.",
            body=SignedInBody,
            location=True,
            links={
                "validateSession": TOKEN,
                "reportProgress": TOKEN,
                "signOut": TOKEN,
                "getAgent": AGENT,
                "listAgentSessions": AGENT,
                "endAgentSessions": AGENT,
                "endAgentSession": SESSION,
                "updateAgentSession": SESSION,
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
        errors=(ValidationError, SessionTokenRequiredError, InvalidSessionError),
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
        "PATCH",
        "/sessions/current",
        function="sessions",
        auth=Auth.TOKEN,
        operation_id="reportProgress",
        tag="Sessions",
        summary="Report progress",
        description=(
            "Records what the agent is doing: whether it is working, waiting or idle, and on what. A report also "
            "counts as use of the session. An omitted field keeps its value; `null` removes it."
        ),
        body=ProgressInput,
        example_body={"state": "working", "activity": "reviewing pull request 12"},
        errors=(ValidationError, PayloadTooLargeError, SessionTokenRequiredError, InvalidSessionError),
        success=Success(status=HTTPStatus.OK, description="The session with the report.", body=SessionBody),
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
        errors=(ValidationError, SessionTokenRequiredError, InvalidSessionError),
        meanings={InvalidSessionError: "The session token is malformed."},
        success=Success(status=HTTPStatus.NO_CONTENT, description="The session has ended, now or before."),
    ),
    Route(
        "GET",
        "/sessions",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="listSessions",
        tag="Agents",
        summary="List live sessions of all agents",
        description=(
            "Returns the caller's roster: the live sessions of its agents, one page at a time. A page can be short or "
            "empty; only `next: null` marks the end. A new session can take a few seconds to appear."
        ),
        query=ListSessionsInput,
        example_query={"limit": "10"},
        errors=(ValidationError, CallerError),
        success=Success(
            status=HTTPStatus.OK,
            description="One page of live sessions.",
            body=SessionPageBody,
        ),
    ),
    Route(
        "DELETE",
        "/sessions",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="endSessions",
        tag="Agents",
        summary="End the sessions of all agents",
        description=(
            "Signs out every agent of the caller. Repeat the request until `more` is false; a session that began in "
            "the last seconds may need one more. Agents can sign in again: to keep one out, block it."
        ),
        errors=(ValidationError, CallerError),
        success=Success(status=HTTPStatus.OK, description="How many live sessions were ended.", body=EndedBody),
    ),
    Route(
        "GET",
        "/agents",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="listAgents",
        tag="Agents",
        summary="List agents, or find one by name",
        description=(
            "Returns the caller's agents, one page at a time. With `agent_name`, and `context` if it has one, returns "
            "the agent that a sign-in with them would reuse, with its presence, or an empty list."
        ),
        query=ListAgentsInput,
        example_query=CLAUDE,
        errors=(ValidationError, CallerError),
        success=Success(
            status=HTTPStatus.OK,
            description="One page of agents.",
            body=AgentPageBody,
            example=examples.FOUND_AGENTS,
            links={
                "getAgent": {"agent_id": "$response.body#/agents/0/agent_id"},
            },
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
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="The agent and its presence.",
            body=AgentBody,
            links={"listAgentSessions": AGENT, "endAgentSessions": AGENT},
        ),
    ),
    Route(
        "PATCH",
        "/agents/{agent_id}",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="updateAgent",
        tag="Agents",
        summary="Block or unblock an agent",
        description=(
            "With `blocked: true`, refuses sign-ins of the agent and ends its sessions. If the response has "
            "`active_sessions_capped`, time ran out before all were ended: repeat the request. With `false`, lets it "
            "sign in again; ended sessions stay ended."
        ),
        body=BlockInput,
        example_body={"blocked": True},
        errors=(ValidationError, PayloadTooLargeError, CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="The agent, and how many of its sessions are left.",
            body=AgentBody,
            example=examples.BLOCKED_AGENT,
        ),
    ),
    Route(
        "DELETE",
        "/agents/{agent_id}",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="deleteAgent",
        tag="Agents",
        summary="Delete an agent",
        description=(
            "Blocks the agent, ends its sessions and deletes it. The next sign-in with its name creates a new agent. "
            "After a 503 the agent is blocked: repeat the request to continue."
        ),
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(status=HTTPStatus.NO_CONTENT, description="The agent is deleted."),
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
        query=ListAgentSessionsInput,
        example_query={"limit": "10"},
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="One page of live sessions.",
            body=SessionPageBody,
            example=examples.AGENT_SESSIONS,
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
            "Signs the agent out everywhere. If `more` is true, time ran out before all sessions were ended: repeat "
            "the request. The agent can sign in again: to keep it out, block it."
        ),
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(
            status=HTTPStatus.OK,
            description="How many live sessions were ended.",
            body=EndedBody,
        ),
    ),
    Route(
        "PATCH",
        "/agents/{agent_id}/sessions/{session_id}",
        function="agents",
        auth=Auth.GATEWAY,
        operation_id="updateAgentSession",
        tag="Agents",
        summary="Ask an agent to stop",
        description=(
            "Stores a request to stop, which every validation of the session returns, so that the agent can finish "
            "cleanly before its session is ended. `null` withdraws it."
        ),
        body=StopInput,
        example_body={"stop_requested": examples.STOP_REQUEST.reason},
        errors=(ValidationError, PayloadTooLargeError, CallerError, NotFoundError),
        meanings=NO_SESSION,
        success=Success(
            status=HTTPStatus.OK,
            description="The session with the request.",
            body=SessionBody,
            example=examples.STOPPING_SESSION,
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
        description="Ends a session by its public id. It also succeeds if the session had ended before.",
        errors=(ValidationError, CallerError, NotFoundError),
        success=Success(status=HTTPStatus.NO_CONTENT, description="The session has ended, now or before."),
    ),
    Route(
        "HEAD",
        "/health",
        function="sessions",
        auth=Auth.ANYONE,
        operation_id="probeHealth",
        tag="Health",
        summary="Check the service without a body",
        description="Like `GET /health`, for monitors that read only the status.",
        success=Success(status=HTTPStatus.OK, description="The service and both tables respond."),
    ),
    Route(
        "GET",
        "/health",
        function="sessions",
        auth=Auth.ANYONE,
        operation_id="checkHealth",
        tag="Health",
        summary="Check the service and its database",
        description="Reads from both tables, at the lowest possible cost, and returns 200 if that succeeds.",
        success=Success(status=HTTPStatus.OK, description="The service and both tables respond.", body=HealthBody),
    ),
]

BY_KEY = {route.key: route for route in ROUTES}
BY_NAME = {route.name: route for route in ROUTES}
FUNCTIONS = sorted({route.function for route in ROUTES})

PROTOCOL_VERSION = "2026-07-28"
METADATA_DESCRIPTION = (
    "Names the issuer of the tokens that the deployment accepts (RFC 9728). Only with `ApiAuth=JWT`: "
    "otherwise the gateway returns 404, so that clients do not look for an issuer."
)
# Not in the OpenAPI document: clients of the protocol read the messages that the server describes itself.
MCP_ROUTES = [
    Route(
        "POST",
        "/mcp",
        function="mcp",
        auth=Auth.GATEWAY,
        operation_id="sendMcpMessage",
        tag="MCP",
        summary="Model Context Protocol ([docs/mcp.md](docs/mcp.md))",
        description="Takes one JSON-RPC message of the Model Context Protocol, and returns one JSON-RPC response.",
        example_headers={
            "mcp-method": "tools/call",
            "mcp-name": "whoami",
            "mcp-protocol-version": PROTOCOL_VERSION,
        },
        example_body={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": PROTOCOL_VERSION,
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
                "name": "whoami",
                "arguments": {},
            },
        },
        success=Success(status=HTTPStatus.OK, description="The response to a request; a notification gets a 202."),
    ),
    Route(
        "GET",
        "/mcp",
        function="mcp",
        auth=Auth.ANYONE,
        operation_id="openMcpStream",
        tag="MCP",
        summary="Refuse to open a stream",
        description="Older revisions of the protocol open a stream; the server has none.",
        success=Success(status=HTTPStatus.METHOD_NOT_ALLOWED, description="There are no streams."),
    ),
    Route(
        "DELETE",
        "/mcp",
        function="mcp",
        auth=Auth.ANYONE,
        operation_id="endMcpSession",
        tag="MCP",
        summary="Refuse to end a session of the protocol",
        description="Older revisions of the protocol have sessions; the server starts none.",
        success=Success(status=HTTPStatus.METHOD_NOT_ALLOWED, description="There are no sessions of the protocol."),
    ),
    Route(
        "GET",
        "/.well-known/oauth-protected-resource",
        function="mcp",
        auth=Auth.ANYONE,
        operation_id="describeApi",
        tag="MCP",
        summary="Name the issuer of tokens, with `ApiAuth=JWT`",
        description=METADATA_DESCRIPTION,
        condition="UseJwt",
        success=Success(status=HTTPStatus.OK, description="The metadata."),
    ),
    Route(
        "GET",
        "/.well-known/oauth-protected-resource/mcp",
        function="mcp",
        auth=Auth.ANYONE,
        operation_id="describeMcpEndpoint",
        tag="MCP",
        summary="The same, where clients of `/mcp` look first",
        description=METADATA_DESCRIPTION,
        condition="UseJwt",
        success=Success(status=HTTPStatus.OK, description="The metadata."),
    ),
]
ALL_ROUTES = ROUTES + MCP_ROUTES
ALL_FUNCTIONS = sorted({route.function for route in ALL_ROUTES})
