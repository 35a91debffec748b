"""The protocol alone: which revision a request follows, what its headers must say, and how errors look."""

import base64
from typing import Any

import pytest

from agent_sessions.mcp import protocol
from agent_sessions.mcp.protocol import LEGACY, META, MODERN, VERSIONS, Reply, UnknownToolError, refuse_origin, respond
from tests.support.mcp import NEWEST, headers_of, message


class Echo:
    """A server with one tool, which returns its arguments."""

    info = {"name": "echo", "version": "1"}  # noqa: RUF012
    instructions = "Call echo."

    def list_tools(self) -> list[dict[str, Any]]:
        return [{"name": "echo"}]

    def call_tool(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name != "echo":
            raise UnknownToolError
        return {"structuredContent": arguments}


def reply(body: Any, version: str = NEWEST, **headers: str | None) -> Reply:
    """Respond to a message whose headers are right, except for those that are given; None leaves one out."""
    sent: dict[str, str | None] = dict(headers_of(body, version=version)) if isinstance(body, dict) else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return respond(body, {name: value for name, value in sent.items() if value is not None}, Echo())


def error(replied: Reply) -> tuple[int, int]:
    assert replied.body
    return replied.status, replied.body["error"]["code"]


def result(replied: Reply) -> dict[str, Any]:
    assert replied.body
    assert replied.status == 200
    found: dict[str, Any] = replied.body["result"]
    return found


CALL = {"name": "echo", "arguments": {"a": 1}}


# -- the revision without initialize


def test_discover_names_every_version_and_the_server() -> None:
    found = result(reply(message("server/discover")))

    assert found["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert found["capabilities"] == {"tools": {}}
    assert found["_meta"] == {"io.modelcontextprotocol/serverInfo": Echo.info}
    assert (found["resultType"], found["cacheScope"]) == ("complete", "public")
    assert found["ttlMs"] > 0
    assert found["instructions"] == Echo.instructions


def test_modern_list_is_complete_and_cacheable() -> None:
    found = result(reply(message("tools/list")))

    assert found["tools"] == [{"name": "echo"}]
    assert (found["resultType"], found["cacheScope"]) == ("complete", "public")
    assert "nextCursor" not in found


def test_modern_call_has_a_result_type_and_the_server() -> None:
    found = result(reply(message("tools/call", CALL)))

    assert found["structuredContent"] == {"a": 1}
    assert found["resultType"] == "complete"
    assert found["_meta"] == {"io.modelcontextprotocol/serverInfo": Echo.info}


@pytest.mark.parametrize("method", ["ping", "resources/list", "prompts/list", "tools", "", "…"])
def test_unknown_method_of_modern_request_returns_404(method: str) -> None:
    assert error(reply(message(method))) == (404, -32601)


def test_initialize_of_a_modern_version_is_unknown() -> None:
    sent = {"mcp_protocol_version": NEWEST, "mcp_method": "initialize"}

    assert error(reply(message("initialize"), **sent)) == (404, -32601)


@pytest.mark.parametrize("missing", ["protocolVersion", "clientCapabilities"])
def test_modern_request_without_required_meta_returns_400(missing: str) -> None:
    body = message("tools/list")
    del body["params"]["_meta"][META + missing]

    assert error(reply(body)) == (400, -32602)


@pytest.mark.parametrize(
    "meta", [None, [], "2026-07-28", {META + "protocolVersion": 1, META + "clientCapabilities": {}}]
)
def test_modern_request_with_malformed_meta_returns_400(meta: Any) -> None:
    assert error(reply(message("tools/list") | {"params": {"_meta": meta}})) == (400, -32602)


@pytest.mark.parametrize("header", ["mcp_protocol_version", "mcp_method", "mcp_name"])
@pytest.mark.parametrize("value", [None, "", "other", "2025-11-25", "=?base64?!?=", "=?base64?/w==?="])
def test_header_that_is_missing_or_differs_returns_400(header: str, value: str | None) -> None:
    sent: dict[str, Any] = {header: value}

    assert error(reply(message("tools/call", CALL), **sent)) == (400, -32020)


def test_header_may_have_surrounding_space() -> None:
    padded = {name.replace("-", "_"): f" {value}\t" for name, value in headers_of(message("tools/call", CALL)).items()}

    assert reply(message("tools/call", CALL), **padded).status == 200


def test_header_differs_in_case_returns_400() -> None:
    assert error(reply(message("tools/list"), mcp_method="Tools/List")) == (400, -32020)


def test_encoded_tool_name_is_decoded_before_it_is_compared() -> None:
    encoded = f"=?base64?{base64.b64encode(b'echo').decode()}?="
    assert reply(message("tools/call", CALL), mcp_name=encoded).status == 200

    # What looks encoded is decoded, also if the body has the same text.
    assert error(reply(message("tools/call", {"name": encoded}), mcp_name=encoded)) == (400, -32020)


def test_only_tool_name_may_be_encoded() -> None:
    encoded = f"=?base64?{base64.b64encode(b'tools/call').decode()}?="

    assert error(reply(message("tools/call", CALL), mcp_method=encoded)) == (400, -32020)


def test_missing_tool_name_is_not_the_same_as_a_missing_header() -> None:
    assert error(reply(message("tools/call", {}), mcp_name=None)) == (400, -32020)


def test_mismatch_is_reported_before_unsupported_version() -> None:
    body = message("tools/list")
    body["params"]["_meta"][META + "protocolVersion"] = "1900-01-01"

    assert error(reply(body, mcp_protocol_version=NEWEST)) == (400, -32020)


def test_unsupported_modern_version_returns_the_supported_ones() -> None:
    body = message("tools/list")
    body["params"]["_meta"][META + "protocolVersion"] = "2099-01-01"
    replied = reply(body, mcp_protocol_version="2099-01-01")

    assert error(replied) == (400, -32022)
    assert replied.body
    assert replied.body["error"]["data"] == {"supported": list(VERSIONS), "requested": "2099-01-01"}


def test_protocol_session_of_a_header_is_ignored() -> None:
    assert reply(message("tools/list"), mcp_session_id="1868a90c", last_event_id="7").status == 200


# -- the revisions with initialize


@pytest.mark.parametrize(
    ("requested", "negotiated"),
    [
        *((version, version) for version in LEGACY),
        ("2024-11-05", LEGACY[0]),
        ("2026-07-28", LEGACY[0]),
        (None, LEGACY[0]),
    ],
)
def test_initialize_negotiates_a_version_that_has_initialize(requested: Any, negotiated: str) -> None:
    params = {"protocolVersion": requested, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    found = result(reply(message("initialize", params, version=negotiated), negotiated))

    assert found["protocolVersion"] == negotiated
    assert found["serverInfo"] == Echo.info
    assert found["capabilities"] == {"tools": {}}
    assert "resultType" not in found


@pytest.mark.parametrize("version", [*LEGACY, None])
def test_legacy_requests_have_plain_results(version: str | None) -> None:
    def ask(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return result(reply(message(method, params, version=LEGACY[0]), mcp_protocol_version=version))

    assert ask("ping") == {}
    assert ask("tools/list") == {"tools": [{"name": "echo"}]}
    assert ask("tools/call", CALL) == {"structuredContent": {"a": 1}}


def test_legacy_error_has_status_200_because_clients_take_a_404_for_a_dead_session() -> None:
    assert error(reply(message("resources/list", version=LEGACY[0]), LEGACY[0])) == (200, -32601)
    assert error(reply(message("tools/call", {"name": "none"}, version=LEGACY[0]), LEGACY[0])) == (200, -32602)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "1900-01-01", "x", ""])
def test_unsupported_version_of_a_header_returns_400(version: str) -> None:
    replied = reply(message("tools/list", version=LEGACY[0]), mcp_protocol_version=version)

    assert error(replied) == (400, -32022)


def test_discover_without_meta_is_not_taken_for_a_legacy_request() -> None:
    assert error(respond({"jsonrpc": "2.0", "id": 1, "method": "server/discover"}, {}, Echo())) == (400, -32602)


# -- both


@pytest.mark.parametrize("version", [MODERN[0], LEGACY[0]])
@pytest.mark.parametrize("params", [{}, {"name": 1}, {"name": "echo", "arguments": []}, {"name": "none"}])
def test_malformed_call_is_an_error_of_the_protocol(version: str, params: dict[str, Any]) -> None:
    body = message("tools/call", params, version=version)
    named = params.get("name", "")
    replied = reply(body, version, mcp_name=str(named))

    assert error(replied)[1] in (-32602, -32020)
    assert replied.status == (400 if version in MODERN else 200)


@pytest.mark.parametrize("version", [MODERN[0], LEGACY[0]])
def test_cursor_is_refused_because_the_list_has_one_page(version: str) -> None:
    assert error(reply(message("tools/list", {"cursor": "x"}, version=version), version))[1] == -32602


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "tools/call", "x"])
@pytest.mark.parametrize("headers", [{}, {"mcp-protocol-version": "1900-01-01"}])
def test_notification_is_accepted_without_a_body(method: str, headers: dict[str, str]) -> None:
    replied = respond({"jsonrpc": "2.0", "method": method}, headers, Echo())

    assert (replied.status, replied.body) == (202, None)


@pytest.mark.parametrize(
    "body",
    [
        *([], [message("ping")], "x", 1, None, True, {}),
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": {}, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 1},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": None},
    ],
    ids=str,
)
def test_message_that_is_not_a_request_returns_400_without_an_id(body: Any) -> None:
    replied = respond(body, {}, Echo())

    assert error(replied) == (400, -32600)
    assert replied.body
    assert "id" not in replied.body


@pytest.mark.parametrize("request_id", [0, -1, 10**20, "", "x" * 200])
@pytest.mark.parametrize("method", ["tools/list", "none"])
def test_response_has_the_id_of_its_request(request_id: Any, method: str) -> None:
    replied = reply(message(method, id=request_id))

    assert replied.body
    assert replied.body["id"] == request_id


# -- web pages


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, []),
        ("https://a.example", ["https://b.example", "https://a.example"]),
        ("https://A.example", ["https://a.example"]),
        ("http://localhost:3000", ["http://*"]),
        ("https://a.example", ["*"]),
    ],
)
def test_request_without_or_of_an_allowed_origin_is_not_refused(origin: str | None, allowed: list[str]) -> None:
    assert refuse_origin({} if origin is None else {"origin": origin}, allowed) is None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.example", []),
        ("null", ["https://a.example"]),
        ("", ["https://a.example"]),
        ("https://a.example.evil.example", ["https://a.example"]),
        ("https://evil-a.example", ["https://a.example"]),
        ("https://a.example:8443", ["https://a.example"]),
        ("http://a.example", ["https://a.example", "https://*"]),
    ],
)
def test_other_origin_is_refused(origin: str, allowed: list[str]) -> None:
    replied = refuse_origin({"origin": origin}, allowed)

    assert replied
    assert replied.status == 403
    assert replied.body
    assert "id" not in replied.body


def test_get_and_delete_name_the_method_that_works() -> None:
    assert (protocol.not_post().status, protocol.not_post().headers) == (405, {"Allow": "POST"})
