"""The MCP endpoint, and the page on which its OAuth clients find the issuer of their tokens."""

from collections.abc import Mapping
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
    owner, headers = api.owner(), _headers()
    return _response(_refuse_origin(headers) or _respond(owner, headers))


@api.route("GET /mcp")
@api.route("DELETE /mcp")
def refuse_method() -> Response:
    """Refuse to open a stream, because every response is one JSON object; and to end a session of the protocol."""
    return _response(_refuse_origin(_headers()) or protocol.not_post())


@api.route("GET /.well-known/oauth-protected-resource")
@api.route("GET /.well-known/oauth-protected-resource/mcp")  # which clients of `/mcp` try first
def describe_issuer() -> Response:
    """Name the issuer of tokens (RFC 9728)."""
    host = api.event["requestContext"]["domainName"]
    return json_response(HTTPStatus.OK, protected_resource(host, settings.jwt_issuer, settings.jwt_scopes))


def _respond(owner: str, headers: Mapping[str, str]) -> Reply:
    try:
        message = read_json(api.event, example=EXAMPLE)
    except PayloadTooLargeError as error:
        return protocol.failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, protocol.INVALID_REQUEST, str(error))
    except ValidationError as error:
        return protocol.failure(HTTPStatus.BAD_REQUEST, protocol.PARSE_ERROR, str(error))
    server = AgentSessionsServer(Services(owner, service, agents, roster), api)
    return protocol.respond(message, headers, server)


def _refuse_origin(headers: Mapping[str, str]) -> Reply | None:
    return protocol.refuse_origin(headers, settings.cors_origins)


def _headers() -> dict[str, str]:
    # The gateway writes names in lower case, other senders of events do not.
    return {name.lower(): value for name, value in (api.event.get("headers") or {}).items()}


def _response(reply: Reply) -> Response:
    if reply.method is not None:
        api.note(method=reply.method)
    return json_response(reply.status, reply.body, headers=reply.headers)
