"""Searches all output of the suite for every session token that the suite makes.

A token belongs in three places only: the Authorization header of a request, the 201 response to a sign-in, and the
result of the MCP tool ``sign_in`` if the call asks for it. The search covers everything else: requests to AWS, which
contain every item and metric that is written, and their responses; printed and logged output; events, responses and
errors of the API with their URLs; and what the emulator stores, where the functions run in processes of their own. Each
process searches its own output, because only that process knows the tokens that it made.
"""

import io
import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import botocore.handlers
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.hooks import HierarchicalEmitter

from agent_sessions.domain.tokens import SessionToken
from tests.guards.forms import Secrets
from tools.openapi.routes import BY_NAME, MCP_ROUTES

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

# API Gateway repeats the Authorization header in these fields of an authorizer's event.
AUTHORIZER_COPIES = ("authorizationToken", "identitySource", "multiValueHeaders")

SIGN_IN = BY_NAME["sign_in"]
TOKEN_RESPONSE = (SIGN_IN.key, SIGN_IN.success.status.value)
MCP = next(route.key for route in MCP_ROUTES if route.name == "send_mcp_message")


class Leaks:
    """Counts what was searched, by channel, and keeps the leaks until a test report takes them."""

    def __init__(self) -> None:
        self.tokens = Secrets()
        self.checked: Counter[str] = Counter()
        self._found: list[str] = []
        self._search_requests = True

    def check(self, channel: str, place: str, *written: str | bytes) -> None:
        """Record a leak if one of the tokens occurs in the written text.

        Args:
            channel: The kind of place, for the count.
            place: The place, for the person who reads the failure.
            written: The text, in parts.
        """
        self.checked[channel] += 1
        for each in written:
            if token := self.tokens.find(each):
                short = f"{token[:6]}…"
                self._found.append(f"a session token ({short}) is in {place.replace(token, short)}")

    def take(self) -> list[str]:
        """Return the leaks found since the last call."""
        found, self._found = self._found, []
        return found

    @contextmanager
    def misplaced(self) -> Iterator[None]:
        """Allow requests with a token in the wrong place; everything that results from them is still searched."""
        self._search_requests = False
        try:
            yield
        finally:
            self._search_requests = True

    def check_request(self, name: str, *written: str | bytes, headers: Mapping[str, str]) -> None:
        """Search a request to the API; ``name`` is its method and path, or its route."""
        if self._search_requests:
            others = [f"{name}: {value}" for name, value in headers.items() if name.lower() != "authorization"]
            self.check("requests", f"the request {name}", *others, *written)

    def check_response(
        self, name: str, status: int, headers: Mapping[str, str], body: str, sent: str | bytes = b""
    ) -> None:
        """Search a response of the API, except for the token in the response to a sign-in.

        Args:
            name: The method and path of the request, or its route.
            status: The status.
            headers: The headers.
            body: The body.
            sent: The body of the request: an MCP client must ask for a token to get one.
        """
        if (name, status) == TOKEN_RESPONSE:
            shown = json.loads(body)
            # If the function runs in another process, its token is unknown here until now.
            self.tokens.remember(shown.pop("session_token"))
            body = json.dumps(shown)
        elif (name, status) == (MCP, HTTPStatus.OK) and _asks_for_token(sent):
            body = self._without_returned_token(body)
        self.check("responses", f"the {status} response to {name}", json.dumps(dict(headers)), body)

    def _without_returned_token(self, body: str) -> str:
        """Remember the token in the result of the tool ``sign_in``, and return the rest of the response."""
        shown = json.loads(body)
        result = shown.get("result", {})
        if token := result.get("structuredContent", {}).pop("session_token", None):
            self.tokens.remember(token)
            (content,) = result["content"]
            text = json.loads(content["text"])
            assert text.pop("session_token") == token
            content["text"] = json.dumps(text)
        return json.dumps(shown)

    def check_aws_call(self, operation: str, sent: str, received: bytes) -> None:
        """Search a call to DynamoDB that bypasses botocore."""
        self.check("AWS requests", f"the request dynamodb:{operation} to AWS", sent)
        self.check("AWS responses", f"the response of AWS to dynamodb:{operation}", received)

    def guard(self, handler: Handler) -> Handler:
        """Return a function's handler with its events and responses searched."""

        def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
            # Some tests send something else than an event, or headers that are not a mapping.
            rest = dict(event) if isinstance(event, Mapping) else {"event": event}
            headers = rest.pop("headers") if isinstance(rest.get("headers"), Mapping) else {}
            for name in AUTHORIZER_COPIES:
                rest.pop(name, None)
            name = str(rest.get("routeKey", "the schedule"))
            self.check_request(name, json.dumps(rest, default=str, skipkeys=True), headers=headers)
            try:
                response = handler(event, context)
            except Exception:
                self.check("outputs", f"the traceback that Lambda logs for {name}", traceback.format_exc())
                raise
            if "statusCode" in response:
                sent = str(rest.get("body") or "")
                self.check_response(name, response["statusCode"], response["headers"], response["body"], sent)
            else:
                self.check("responses", f"the result of {name}", json.dumps(response, default=str))
            return response

        return handle

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Guard this process: every token made, every client of AWS, all output that a test reads itself."""
        mint, readouterr = SessionToken.mint, pytest.CaptureFixture.readouterr

        def mint_and_remember(agent_id: str) -> SessionToken:
            token = mint(agent_id)
            self.tokens.remember(token.secret)
            return token

        def read_and_check(capture: pytest.CaptureFixture[Any]) -> Any:
            captured = readouterr(capture)
            self.check("outputs", "printed output", *captured)
            return captured

        patch.setattr(SessionToken, "mint", staticmethod(mint_and_remember))
        patch.setattr(pytest.CaptureFixture, "readouterr", read_and_check)
        # Every new botocore session registers these.
        botocore.handlers.BUILTIN_HANDLERS += self._handlers()

    def watch(self, events: HierarchicalEmitter) -> None:
        """Search the calls of something else that has the events of a client."""
        for name, handler in self._handlers():
            events.register(name, handler)

    def _handlers(self) -> list[tuple[str, Callable[..., None]]]:
        return [("before-send", self._check_aws_request), ("response-received", self._check_aws_response)]

    def _check_aws_request(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> None:
        headers = "\n".join(f"{name}: {_text(value)}" for name, value in request.headers.items())
        # S3's client makes a stream of what is already in memory.
        body = request.body.getvalue() if isinstance(request.body, io.BytesIO) else request.body or b""
        assert isinstance(body, str | bytes), "a stream would be sent without a search"
        self.check("AWS requests", f"the request {_operation(event_name)} to AWS", request.url, headers, body)

    def _check_aws_response(self, event_name: str, response_dict: dict[str, Any] | None, **_: Any) -> None:
        body = b"" if response_dict is None else response_dict["body"]
        if isinstance(body, bytes):  # a stream is left to its caller
            self.check("AWS responses", f"the response of AWS to {_operation(event_name)}", body)


def _asks_for_token(sent: str | bytes) -> bool:
    try:
        message = json.loads(sent)
    except (ValueError, RecursionError):
        return False
    match message:
        case {"method": "tools/call", "params": {"name": "sign_in", "arguments": {"return_token": True}}}:
            return True
    return False


def _operation(event_name: str) -> str:
    return event_name.partition(".")[2].replace(".", ":")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


LEAKS = Leaks()
