"""Messages to the MCP function, as API Gateway sends them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent_sessions.mcp import protocol
from agent_sessions.mcp.tools import TOOLS
from tests.support.contract import ApiResponse
from tests.support.events import Event, http_event, iam
from tests.support.functions import OWNER, Context

NEWEST = protocol.MODERN[0]
ALLOWED_STATUSES = {200, 202, 400, 403, 404, 405, 413}


def message(
    method: str, params: Mapping[str, Any] | None = None, *, version: str = NEWEST, **more: Any
) -> dict[str, Any]:
    """Return a request of a revision of the protocol."""
    sent = dict(params or {})
    if version in protocol.MODERN:
        meta = {f"{protocol.META}protocolVersion": version, f"{protocol.META}clientCapabilities": {}}
        sent = {"_meta": meta, **sent}
    return {"jsonrpc": "2.0", "id": 1, "method": method} | ({"params": sent} if sent else {}) | more


def headers_of(body: Mapping[str, Any], *, version: str = NEWEST) -> dict[str, str]:
    """Return the headers that a client sends with a message."""
    headers = {"mcp-protocol-version": version}
    if version in protocol.MODERN:
        headers["mcp-method"] = body["method"]
        if name := body.get("params", {}).get("name"):
            headers["mcp-name"] = name
    return {} if body["method"] == "initialize" else headers


@dataclass(frozen=True)
class Mcp:
    """A client of one revision, on behalf of one owner."""

    function: ModuleType
    version: str = NEWEST
    authorizer: dict[str, Any] | None = field(default_factory=lambda: iam(OWNER))

    def as_owner(self, authorizer: dict[str, Any]) -> "Mcp":
        return replace(self, authorizer=authorizer)

    def send(self, body: Any, headers: Mapping[str, str] | None = None, route: str = "send_mcp_message") -> ApiResponse:
        """Send a body, as text or as JSON, with these headers alone."""
        event = http_event(route, authorizer=self.authorizer, body=body if isinstance(body, str | bytes) else None)
        if not isinstance(body, str | bytes | None):
            event["body"] = json.dumps(body)
        event["headers"] = {"content-type": "application/json", **(headers or {})}
        return self.send_event(event)

    def send_event(self, event: Event) -> ApiResponse:
        response = self.function.handler(event, Context())
        assert response["headers"]["Cache-Control"] == "no-store"
        return ApiResponse(response["statusCode"], response["headers"], response["body"])

    def request(self, method: str, params: Mapping[str, Any] | None = None, **headers: str) -> ApiResponse:
        """Send a request; ``headers`` replace those that a client sends, with underscores for hyphens."""
        body = message(method, params, version=self.version)
        replaced = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.send(body, headers_of(body, version=self.version) | replaced)
        if response.text:
            check_message(response.body, request_id=1)
        return response

    def result(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        response = self.request(method, params)
        assert response.status == HTTPStatus.OK, response.text
        result: dict[str, Any] = response.body["result"]
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and return what it returns; it must conform to the schema that the tool lists."""
        result = self.result("tools/call", {"name": tool, "arguments": arguments})
        assert result["isError"] is False, result
        structured: dict[str, Any] = result["structuredContent"]
        Draft202012Validator(TOOLS[tool].output, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
            structured
        )
        assert json.loads(result["content"][0]["text"]) == structured
        return structured

    def error(self, tool: str, **arguments: Any) -> str:
        """Call a tool that fails, and return what it tells the model."""
        result = self.result("tools/call", {"name": tool, "arguments": arguments})
        assert result["isError"] is True, result
        assert "structuredContent" not in result
        (content,) = result["content"]
        return str(content["text"])


def check_message(body: dict[str, Any], *, request_id: Any) -> None:
    """Fail unless a body is a JSON-RPC response with either a result or an error."""
    assert body["jsonrpc"] == "2.0"
    assert body.get("id") in (request_id, None)
    assert ("result" in body) != ("error" in body)
    if "error" in body:
        assert isinstance(body["error"]["code"], int)
        assert body["error"]["message"]


@pytest.fixture
def start_mcp(load_function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mcp]:
    """Starts the MCP function with the given environment variables."""

    def start_mcp(**variables: str) -> Mcp:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Mcp(load_function("mcp"))

    return start_mcp


@pytest.fixture(params=[NEWEST, *protocol.LEGACY])
def mcp(request: pytest.FixtureRequest, start_mcp: Callable[..., Mcp]) -> Mcp:
    """A client of each revision."""
    return replace(start_mcp(), version=request.param)
