"""All that leaves the process while the suite runs, held against every session token that it makes.

A token may be in the Authorization header of a request and in the answer that shows it, the 201 of
a sign-in. What is checked is everything else: requests to AWS, which hold each item and each metric
that is written, and their answers; what is printed and logged; events, answers and errors of the API with
their URLs; and what the emulator keeps, where the functions run in processes of their own. Each process
checks what it saw itself, for it alone knows the tokens that it made.
"""

import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.handlers
import pytest
from botocore.awsrequest import AWSPreparedRequest

from agent_sessions.domain.tokens import SessionToken
from tests.guards.forms import Secrets
from tools.openapi.routes import BY_NAME

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

SIGN_IN = BY_NAME["sign_in"]
SHOWS_THE_TOKEN = (SIGN_IN.key, SIGN_IN.success.status.value)


class Leaks:
    """What was checked, by channel, and the leaks that no test was blamed for yet."""

    def __init__(self) -> None:
        self.tokens = Secrets()
        self.checked: Counter[str] = Counter()
        self._found: list[str] = []
        self._requests_too = True

    def check(self, channel: str, place: str, *written: str | bytes) -> None:
        """Note a leak where one of the tokens occurs in what was written.

        Args:
            channel: The kind of place, under which it is counted.
            place: The place, as a person finds it.
            written: What is there, in parts.
        """
        self.checked[channel] += 1
        for each in written:
            if token := self.tokens.find(each):
                short = f"{token[:6]}…"
                self._found.append(f"a session token ({short}) is in {place.replace(token, short)}")

    def take(self) -> list[str]:
        """Return the leaks since last asked."""
        found, self._found = self._found, []
        return found

    @contextmanager
    def misplaced(self) -> Iterator[None]:
        """Let requests carry a token where none belongs; what comes of it is checked all the same."""
        self._requests_too = False
        try:
            yield
        finally:
            self._requests_too = True

    def request(self, what: str, *written: str | bytes, headers: Mapping[str, str]) -> None:
        """Check a request to the API."""
        if self._requests_too:
            others = [f"{name}: {value}" for name, value in headers.items() if name.lower() != "authorization"]
            self.check("requests", f"the request {what}", *others, *written)

    def answer(self, what: str, status: int, headers: Mapping[str, str], body: str) -> None:
        """Check an answer of the API; take the token out of the one that shows it."""
        if (what, status) == SHOWS_THE_TOKEN:
            shown = json.loads(body)
            # That of a function in a process of its own was not seen being made.
            self.tokens.remember(shown.pop("session_token"))
            body = json.dumps(shown)
        self.check("answers", f"the answer {status} to {what}", json.dumps(dict(headers)), body)

    def aws(self, operation: str, sent: str, received: bytes) -> None:
        """Check a call to DynamoDB that goes past botocore."""
        self.check("AWS requests", f"the request dynamodb:{operation} to AWS", sent)
        self.check("AWS answers", f"the answer of AWS to dynamodb:{operation}", received)

    def watched(self, handler: Handler) -> Handler:
        """Return a function's handler whose events and answers are checked."""

        def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
            # Some tests send what is no event, or has something else for headers.
            rest = dict(event) if isinstance(event, Mapping) else {"event": event}
            headers = rest.pop("headers") if isinstance(rest.get("headers"), Mapping) else {}
            what = str(rest.get("routeKey", "the schedule"))
            self.request(what, json.dumps(rest, default=str, skipkeys=True), headers=headers)
            try:
                response = handler(event, context)
            except Exception:
                self.check("outputs", f"what Lambda logs of {what}", traceback.format_exc())
                raise
            if "statusCode" in response:
                self.answer(what, response["statusCode"], response["headers"], response["body"])
            return response

        return handle

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Watch this process: every token made, every client of AWS, all output that a test reads itself."""
        mint, readouterr = SessionToken.mint, pytest.CaptureFixture.readouterr

        def remembered(agent_id: str) -> SessionToken:
            token = mint(agent_id)
            self.tokens.remember(token.secret)
            return token

        def checked(capture: pytest.CaptureFixture[Any]) -> Any:
            captured = readouterr(capture)
            self.check("outputs", "what was printed", *captured)
            return captured

        patch.setattr(SessionToken, "mint", staticmethod(remembered))
        patch.setattr(pytest.CaptureFixture, "readouterr", checked)
        # What every session of botocore begins with.
        botocore.handlers.BUILTIN_HANDLERS += [
            ("before-send", self._aws_request),
            ("response-received", self._aws_answer),
        ]

    def _aws_request(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> None:
        headers = "\n".join(f"{name}: {_text(value)}" for name, value in request.headers.items())
        body = request.body or b""
        assert isinstance(body, str | bytes), "a stream would be sent unseen"
        self.check("AWS requests", f"the request {_operation(event_name)} to AWS", request.url, headers, body)

    def _aws_answer(self, event_name: str, response_dict: dict[str, Any] | None, **_: Any) -> None:
        body = b"" if response_dict is None else response_dict["body"]
        if isinstance(body, bytes):  # and not a stream, which whoever asked for it reads
            self.check("AWS answers", f"the answer of AWS to {_operation(event_name)}", body)


def _operation(event_name: str) -> str:
    return event_name.partition(".")[2].replace(".", ":")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


LEAKS = Leaks()
