"""The MCP endpoint, and the page on which its OAuth clients find the issuer of their tokens."""

from http import HTTPStatus

from agent_sessions.errors import PayloadTooLargeError, ValidationError
from agent_sessions.http.api import HttpApi, Response, json_response
from agent_sessions.http.json_body import read_json
from agent_sessions.mcp import protocol
from agent_sessions.mcp.protocol import Reply
from agent_sessions.mcp.server import AgentSessionsServer, protected_resource
from agent_sessions.mcp.services import Services
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from agent_sessions.snapstart import reseed_after_restore

EXAMPLE = '{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'

settings = Settings.from_environment()
api = HttpApi(settings)
service = SessionService.from_settings(settings, count=api.count, audit=api.audit)
agents = AgentService(service.tables, settings, count=api.count, audit=api.audit)
roster = RosterService(service.tables, settings, audit=api.audit)
handler = api.handle
reseed_after_restore()


@api.route("POST /mcp", query=True)  # clients are configured with a whole URL
def receive_message() -> Response:
    """Respond to one JSON-RPC message."""
    owner = api.owner()
    return _response(_refuse_origin() or _respond(owner))


@api.route("GET /mcp")
def open_stream() -> Response:
    """Refuse to open a stream: every response is one JSON object."""
    return _response(_refuse_origin() or protocol.not_post())


@api.route("DELETE /mcp")
def end_protocol_session() -> Response:
    """Refuse to end a session of the protocol: there are none."""
    return _response(_refuse_origin() or protocol.not_post())


@api.route("GET /.well-known/oauth-protected-resource")
def describe_api() -> Response:
    """Name the issuer of tokens (RFC 9728)."""
    host = api.event["requestContext"]["domainName"]
    return json_response(HTTPStatus.OK, protected_resource(host, settings.jwt_issuer, settings.jwt_scopes))


@api.route("GET /.well-known/oauth-protected-resource/mcp")
def describe_endpoint() -> Response:
    """Name the issuer of tokens, at the path that clients of ``/mcp`` try first."""
    return describe_api()


def _respond(owner: str) -> Reply:
    try:
        message = read_json(api.event, example=EXAMPLE)
    except PayloadTooLargeError as error:
        return protocol.failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, protocol.INVALID_REQUEST, str(error))
    except ValidationError as error:
        return protocol.failure(HTTPStatus.BAD_REQUEST, protocol.PARSE_ERROR, str(error))
    server = AgentSessionsServer(Services(owner, service, agents, roster), api)
    return protocol.respond(message, _headers(), server)


def _refuse_origin() -> Reply | None:
    return protocol.refuse_origin(_headers(), settings.cors_origins)


def _headers() -> dict[str, str]:
    # The gateway writes names in lower case, other senders of events do not.
    return {name.lower(): value for name, value in (api.event.get("headers") or {}).items()}


def _response(reply: Reply) -> Response:
    if reply.method is not None:
        api.note(method=reply.method)
    return json_response(reply.status, reply.body, headers=reply.headers)
