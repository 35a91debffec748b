"""Messages that no client of the protocol sends: each gets the response of the specification, and never a 5xx."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.mcp.tools import TOOLS
from tests.support.length import examples
from tests.support.mcp import ALLOWED_STATUSES, Mcp, check_message, headers_of, message
from tests.support.mcp_messages import arguments, messages

EVIL = "https://evil.example"
PAGE = "https://console.example.com"


@pytest.fixture
def newest(start_mcp: Callable[..., Mcp]) -> Mcp:
    return start_mcp()


def deep(depth: int) -> str:
    return '{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 400, -32700),
        ("", 400, -32700),
        ("{", 400, -32700),
        ("\ufeff{}", 400, -32600),
        (b"\xff", 400, -32700),
        ("NaN", 400, -32700),
        ('{"jsonrpc": "2.0", "jsonrpc": "2.0"}', 400, -32700),
        (deep(3_000), 400, -32600),
        ("[" * 4_000, 400, -32700),
        ("1" * 5_000, 400, -32700),
        ("[]", 400, -32600),
        ('[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', 400, -32600),
        ("{}", 400, -32600),
        (json.dumps({"pad": "x" * 8192}), 413, -32600),
    ],
    ids=lambda value: str(value)[:20],
)
def test_body_that_is_no_message_gets_an_error_of_the_protocol(
    newest: Mcp, body: str | bytes | None, status: int, code: int
) -> None:
    response = newest.send(body)

    assert response.status == status
    assert response.body["error"]["code"] == code
    assert "id" not in response.body


def test_message_of_base64_is_read(newest: Mcp) -> None:
    body = json.dumps(message("tools/list"))

    assert newest.send(body.encode(), headers_of(json.loads(body))).status == 200


@pytest.mark.parametrize("route", ["send_mcp_message", "open_mcp_stream", "end_mcp_session"])
def test_web_page_of_a_foreign_origin_gets_403(start_mcp: Callable[..., Mcp], route: str) -> None:
    body = message("tools/list")
    for mcp in (start_mcp(), start_mcp(CORS_ORIGINS=f"{PAGE}, https://b.example")):
        response = mcp.send(body, headers_of(body) | {"origin": EVIL}, route)
        assert response.status == 403
        check_message(response.body, request_id=None)


def test_web_page_of_an_allowed_origin_is_served(start_mcp: Callable[..., Mcp]) -> None:
    body = message("tools/list")

    assert start_mcp(CORS_ORIGINS=PAGE).send(body, headers_of(body) | {"origin": PAGE}).status == 200


@pytest.mark.parametrize("route", ["open_mcp_stream", "end_mcp_session"])
def test_get_and_delete_get_405(newest: Mcp, route: str) -> None:
    response = newest.send(None, {"accept": "text/event-stream", "mcp-session-id": "x"}, route)

    assert (response.status, response.headers["Allow"], response.text) == (405, "POST", "")


def test_names_of_headers_are_read_in_any_case(newest: Mcp) -> None:
    body = message("tools/list")

    assert newest.send(body, {name.title(): value for name, value in headers_of(body).items()}).status == 200


@pytest.mark.parametrize("route", ["describe_api", "describe_mcp_endpoint"])
@pytest.mark.parametrize(("scopes", "shown"), [("", None), ("sessions, admin", ["sessions", "admin"])])
def test_metadata_names_the_issuer(start_mcp: Callable[..., Mcp], route: str, scopes: str, shown: Any) -> None:
    mcp = start_mcp(API_AUTH="JWT", JWT_ISSUER="https://issuer.example", JWT_SCOPES=scopes)
    response = mcp.send(None, route=route)

    # RFC 9728, 2 and 3.3: the resource is the URL that the client uses.
    assert response.status == 200
    assert response.body["resource"] == "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/mcp"
    assert response.body["authorization_servers"] == ["https://issuer.example"]
    assert response.body["bearer_methods_supported"] == ["header"]
    assert response.body.get("scopes_supported") == shown


# -- anything


@pytest.mark.slow
def test_any_message_gets_a_response_of_the_protocol(newest: Mcp) -> None:
    @examples(150, 10_000)
    @given(messages())
    def send(request: tuple[Any, dict[str, str]]) -> None:
        body, sent = request
        response = newest.send(json.dumps(body), sent)
        assert response.status in ALLOWED_STATUSES, response.text
        if response.status == 202:
            assert response.text == ""
            return
        assert response.headers["Content-Type"] == "application/json"
        check_message(response.body, request_id=body.get("id") if isinstance(body, dict) else None)

    send()


def test_any_arguments_get_a_result(newest: Mcp) -> None:
    @examples(100, 10_000)
    @given(st.sampled_from(list(TOOLS)), arguments)
    def call(tool: str, given_arguments: dict[str, Any]) -> None:
        result = newest.result("tools/call", {"name": tool, "arguments": given_arguments})
        assert result["isError"] is ("structuredContent" not in result)

    call()
