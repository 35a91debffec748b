"""The MCP endpoint over HTTP: both eras, refusals of the gateway and the function, and any message."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from agent_sessions.mcp.protocol import LEGACY, MODERN
from tests.e2e.conftest import Api
from tests.support.contract import ApiResponse
from tests.support.length import examples
from tests.support.mcp import ALLOWED_STATUSES, check_message, headers_of, message
from tests.support.mcp_messages import messages

# Header values that a client can send: Python's and the emulator's readers refuse the others.
SENDABLE = {*map(chr, range(0x20, 0x7F))}


def post(api: Api, method: str, params: dict[str, Any] | None = None, version: str = MODERN[0]) -> ApiResponse:
    body = message(method, params, version=version)
    return api.call("POST", "/mcp", body, headers=headers_of(body, version=version))


def call(api: Api, tool: str, version: str = MODERN[0], **arguments: Any) -> dict[str, Any]:
    response = post(api, "tools/call", {"name": tool, "arguments": arguments}, version)
    assert response.status == 200, response.text
    result: dict[str, Any] = response.body["result"]
    return result


@pytest.mark.parametrize("version", [MODERN[0], LEGACY[0]])
def test_agent_signs_in_checks_in_and_signs_out(api: Api, version: str) -> None:
    made = call(api, "sign_in", version, agent_name="MCP", context=version)["structuredContent"]
    session = {"session": made["session"]}

    assert "session_token" not in made
    assert call(api, "check_in", version, **session, state="working")["structuredContent"]["state"] == "working"
    assert api.agent(made["agent_id"]).body["online"] is True
    assert call(api, "sign_out", version, **session)["structuredContent"]["ended"] is True
    assert call(api, "check_in", version, **session)["isError"] is True


def test_returned_token_is_one_of_the_http_api(api: Api) -> None:
    made = call(api, "sign_in", agent_name="MCP", return_token=True)["structuredContent"]

    assert api.validate(made["session_token"]).body["session_id"] == made["session_id"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_other_methods_get_405(api: Api, method: str) -> None:
    response = api.call(method, "/mcp")

    assert response.status == 405
    assert {name.lower(): value for name, value in response.headers.items()}["allow"] == "POST"


def test_notification_gets_202(api: Api) -> None:
    response = api.call("POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert (response.status, response.text) == (202, "")


def test_metadata_is_a_404_without_jwt(api: Api) -> None:
    # Some clients drop the headers that they were given if it is anything else.
    for path in ("", "/mcp"):
        assert api.call("GET", f"/.well-known/oauth-protected-resource{path}").status == 404


def test_any_message_gets_a_response_of_the_protocol(deploy: Callable[..., Api]) -> None:
    api = deploy("mcp-fuzz", SignInThrottleRate="100000", SignInThrottleBurst="100000")

    @examples(60, 5_000)
    @given(messages())
    def send(request: tuple[Any, dict[str, str]]) -> None:
        body, headers = request
        sendable = {name: value for name, value in headers.items() if set(value) <= SENDABLE and name != "origin"}
        response = api.call("POST", "/mcp", json.dumps(body).encode(), headers=sendable)
        assert response.status in ALLOWED_STATUSES, response.text
        if response.status != 202:
            check_message(response.body, request_id=body.get("id") if isinstance(body, dict) else None)

    send()
