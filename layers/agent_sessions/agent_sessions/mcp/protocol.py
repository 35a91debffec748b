"""MCP over Streamable HTTP: one JSON-RPC message in, one JSON response out, and no state in between.

Two eras of the protocol have the same endpoint. A request of 2026-07-28 describes itself in ``_meta`` and in headers. A
client of 2025-06-18 or 2025-11-25 sends ``initialize`` first; it gets no protocol session, which is optional.
https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18")
VERSIONS = (*MODERN, *LEGACY)
"""The newest first."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

# Of 2026-07-28. The earlier revisions return errors of a well-formed request with status 200: some of their clients
# take a 404 for the end of a protocol session.
STATUSES = {METHOD_NOT_FOUND: HTTPStatus.NOT_FOUND}

META = "io.modelcontextprotocol/"
CAPABILITIES: dict[str, Any] = {"tools": {}}
# The tools change only with a deployment.
CACHEABLE = {"ttlMs": 300_000, "cacheScope": "public"}


class Server(Protocol):
    """What speaks the protocol."""

    info: dict[str, Any]
    """Its name and version."""
    instructions: str
    """How a model uses it."""

    def list_tools(self) -> list[dict[str, Any]]:
        """Return the definitions of all tools, in a fixed order."""

    def call_tool(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a tool; raises UnknownToolError."""


class UnknownToolError(Exception):
    """The server has no tool of this name."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to a message; ``body`` is None for a notification. ``method`` is set if the server knows it."""

    status: HTTPStatus
    body: dict[str, Any] | None = None
    method: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Request:
    id: str | int
    method: str
    params: dict[str, Any]

    @property
    def meta(self) -> Any:
        return self.params.get("_meta")


class _ProtocolError(Exception):
    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.error: dict[str, Any] = {"code": code, "message": message} | ({} if data is None else {"data": data})


def refuse_origin(headers: Mapping[str, str], allowed: Sequence[str]) -> Reply | None:
    """Return the response to a web page of a foreign origin, or None for all other requests.

    Otherwise a page could reach a server by a name that it makes resolve to the server (DNS rebinding).

    Args:
        headers: The headers of the request, by names in lower case.
        allowed: Origins as the gateway takes them: one origin, ``https://*`` or ``*``.
    """
    origin = headers.get("origin")
    if origin is None or any(_matches(origin.strip().lower(), each.lower()) for each in allowed):
        return None
    return failure(HTTPStatus.FORBIDDEN, INVALID_REQUEST, "Web pages of this origin may not call; see CorsOrigins")


def not_post() -> Reply:
    """Return the response to GET and DELETE, which older revisions use for streams and for ending sessions."""
    return Reply(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})


def failure(status: HTTPStatus, code: int, message: str) -> Reply:
    """Return the response to a message that cannot be read, so that it has no id."""
    return Reply(status, {"jsonrpc": "2.0", "error": {"code": code, "message": message}})


def respond(message: Any, headers: Mapping[str, str], server: Server) -> Reply:
    """Return the response to a JSON-RPC message.

    Args:
        message: The JSON value of the body.
        headers: The headers of the request, by names in lower case.
        server: Describes and calls the tools.
    """
    try:
        request = _read(message)
    except _ProtocolError as error:
        return Reply(HTTPStatus.BAD_REQUEST, {"jsonrpc": "2.0", "error": error.error})
    if request is None:
        return Reply(HTTPStatus.ACCEPTED)
    modern = _is_modern(request, headers)
    methods = MODERN_METHODS if modern else LEGACY_METHODS
    known = request.method if request.method in methods else None
    response: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id}
    try:
        _check_version(request, headers, modern=modern)
        result = methods.get(request.method, _no_method)(request, server)
    except _ProtocolError as error:
        has_status = modern or error.code == UNSUPPORTED_VERSION
        status = STATUSES.get(error.code, HTTPStatus.BAD_REQUEST) if has_status else HTTPStatus.OK
        return Reply(status, {**response, "error": error.error}, known)
    if modern:
        result = {"resultType": "complete", **result, "_meta": {f"{META}serverInfo": server.info}}
    return Reply(HTTPStatus.OK, {**response, "result": result}, known)


# -- reading a message


def _read(message: Any) -> _Request | None:
    """Return a request, or None for a notification."""
    if not isinstance(message, dict):
        raise _ProtocolError(INVALID_REQUEST, "The body must be one JSON-RPC object; batches are not supported")
    method, params = message.get("method"), message.get("params", {})
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        raise _ProtocolError(
            INVALID_REQUEST, 'A request needs "jsonrpc": "2.0", a method, and params that are an object if it has any'
        )
    if "id" not in message:
        return None
    request_id = message["id"]
    if isinstance(request_id, bool) or not isinstance(request_id, str | int):
        raise _ProtocolError(INVALID_REQUEST, "The id of a request must be a string or a whole number")
    return _Request(request_id, method, params)


def _is_modern(request: _Request, headers: Mapping[str, str]) -> bool:
    """Whether a request follows the revisions without ``initialize``, or claims to."""
    if isinstance(request.meta, dict) and f"{META}protocolVersion" in request.meta:
        return True
    version = headers.get("mcp-protocol-version")
    return request.method == "server/discover" if version is None else version.strip() in MODERN


def _check_version(request: _Request, headers: Mapping[str, str], *, modern: bool) -> None:
    if modern:
        _check_meta(request)
        _check_headers(request, headers)
        version = request.meta[f"{META}protocolVersion"]
        supported = version in MODERN
    else:
        version = headers.get("mcp-protocol-version", LEGACY[0]).strip()
        supported = version in LEGACY
    if not supported:
        data = {"supported": list(VERSIONS), "requested": version}
        raise _ProtocolError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def _check_meta(request: _Request) -> None:
    meta = request.meta if isinstance(request.meta, dict) else {}
    required = {f"{META}protocolVersion": str, f"{META}clientCapabilities": dict}
    missing = [name for name, kind in required.items() if not isinstance(meta.get(name), kind)]
    if missing:
        raise _ProtocolError(INVALID_PARAMS, f"params._meta needs {' and '.join(missing)}")


def _check_headers(request: _Request, headers: Mapping[str, str]) -> None:
    """Compare the headers with the body: what routes by a header must see what the server acts on."""
    expected = {"MCP-Protocol-Version": request.meta[f"{META}protocolVersion"], "Mcp-Method": request.method}
    if request.method == "tools/call":
        expected["Mcp-Name"] = request.params.get("name")
    for name, value in expected.items():
        sent = headers.get(name.lower())
        if sent is None:
            raise _ProtocolError(HEADER_MISMATCH, f"The header {name} is missing")
        sent = sent.strip()
        if (_decode(sent) if name == "Mcp-Name" else sent) != value:
            raise _ProtocolError(HEADER_MISMATCH, f"The header {name} differs from the body")


def _decode(value: str) -> str | None:
    """Return the value of a header that may be encoded as ``=?base64?…?=``; None if it cannot be decoded."""
    if not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[len("=?base64?") : -len("?=")], validate=True).decode()
    except ValueError:
        return None


def _matches(origin: str, allowed: str) -> bool:
    return allowed in ("*", origin) or (allowed.endswith("://*") and origin.startswith(allowed[:-1]))


# -- the methods


def _no_method(_: _Request, __: Server) -> dict[str, Any]:
    raise _ProtocolError(METHOD_NOT_FOUND, "Unknown method; this server has tools, and nothing else")


def _discover(_: _Request, server: Server) -> dict[str, Any]:
    return {
        "supportedVersions": list(VERSIONS),
        "capabilities": CAPABILITIES,
        "instructions": server.instructions,
        **CACHEABLE,
    }


def _initialize(request: _Request, server: Server) -> dict[str, Any]:
    requested = request.params.get("protocolVersion")
    return {
        "protocolVersion": requested if requested in LEGACY else LEGACY[0],
        "capabilities": CAPABILITIES,
        "serverInfo": server.info,
        "instructions": server.instructions,
    }


def _ping(_: _Request, __: Server) -> dict[str, Any]:
    return {}


def _list_tools(request: _Request, server: Server) -> dict[str, Any]:
    if request.params.get("cursor") is not None:
        raise _ProtocolError(INVALID_PARAMS, "The list has one page: send no cursor")
    return {"tools": server.list_tools()}


def _list_tools_cacheable(request: _Request, server: Server) -> dict[str, Any]:
    return {**_list_tools(request, server), **CACHEABLE}


def _call_tool(request: _Request, server: Server) -> dict[str, Any]:
    name, arguments = request.params.get("name"), request.params.get("arguments")
    if not isinstance(name, str) or not (arguments is None or isinstance(arguments, dict)):
        raise _ProtocolError(INVALID_PARAMS, "params needs the name of a tool, and arguments that are an object")
    try:
        return server.call_tool(name, arguments or {})
    except UnknownToolError:
        raise _ProtocolError(INVALID_PARAMS, "Unknown tool; tools/list names the tools") from None


type _Method = Callable[[_Request, Server], dict[str, Any]]

MODERN_METHODS: dict[str, _Method] = {
    "server/discover": _discover,
    "tools/list": _list_tools_cacheable,
    "tools/call": _call_tool,
}
LEGACY_METHODS: dict[str, _Method] = {
    "initialize": _initialize,
    "ping": _ping,
    "tools/list": _list_tools,
    "tools/call": _call_tool,
}
