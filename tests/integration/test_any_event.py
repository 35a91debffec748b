"""Whatever event comes, a described answer goes: no exception, no traceback, no secret in it or in the log."""

import copy
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.contract import check_response, documented
from tests.support.events import ROLE, USER, Event, iam, jwt, load_event
from tests.support.functions import Api
from tests.support.length import examples
from tools.openapi.routes import BY_KEY, BY_NAME, FUNCTIONS

CASES = 1_000, 50_000

EVENTS = [load_event(name) for name in BY_NAME]
GOOD_QUERIES = {event["routeKey"]: event["rawQueryString"] for event in EVENTS}
AGENT = BY_NAME["list_agents"].example_query
FIELDS = [
    "agent_name",
    "context",
    "exclusive",
    "metadata",
    "idle_seconds",
    "lifetime_seconds",
    "state",
    "activity",
    "stop_requested",
    "blocked",
    "limit",
    "next",
    "owner",
    "session_token",
    "agent_id",
]
# Every header that there can be: none has a part that a caller could fill.
HEADERS = {
    ("Cache-Control", "no-store"),
    ("Content-Type", "application/json"),
    ("Content-Type", "application/problem+json"),
    ("Location", "sessions/current"),
    ("X-Content-Type-Options", "nosniff"),
    ("WWW-Authenticate", "Bearer"),
    ("WWW-Authenticate", 'Bearer error="invalid_token"'),
}
NO_ROUTE = "There is nothing at this path"

# Everything that JSON can carry, lone surrogates and endless nesting too.
text = st.text(st.characters(), max_size=20)
odd_text = st.one_of(
    text, st.sampled_from(["", "\x00", "\ud800", "\r\nx: y", "%", "%ff", "a" * 20_000, "\u2028", "{0}"])
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_text)
deep = st.integers(1, 3_000).map(lambda depth: json.loads("[" * depth + "]" * depth))
values = st.one_of(
    st.recursive(
        scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3))
    ),
    deep,
)

bodies = st.one_of(
    odd_text,
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), text), values, max_size=4).map(json.dumps),
    st.fixed_dictionaries({"agent_name": text}, optional={"context": text, "exclusive": st.booleans()}).map(json.dumps),
    st.sampled_from([event["body"] for event in EVENTS if "body" in event]),
)
pairs = st.lists(st.tuples(st.one_of(st.sampled_from(FIELDS), text), odd_text), max_size=4)
queries = st.one_of(
    odd_text,
    pairs.map(
        lambda pairs: "&".join(
            f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in pairs
        )
    ),
)
authorizers = st.one_of(st.just(iam(ROLE)), st.text(min_size=1, max_size=20).map(jwt), st.just({}), st.none())
encoded = st.binary(max_size=200).map(lambda raw: {"body": b64encode(raw).decode(), "isBase64Encoded": True})
contents: st.SearchStrategy[Event] = st.one_of(st.just({}), encoded, bodies.map(lambda text: {"body": text}))


def or_else(good: Any, odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return what leads on three times of four, so that what is behind is reached as well."""
    return st.sampled_from([True, True, True, False]).flatmap(lambda is_good: st.just(good) if is_good else odd)


@st.composite
def gateway_events(draw: st.DrawFn, known: dict[str, str]) -> Event:
    """Return an event that an HTTP API can send: every part of the right type, and hostile inside."""
    event: Event = copy.deepcopy(draw(st.sampled_from(EVENTS)))  # drawn values are shared
    event["rawPath"] = draw(odd_text)
    event["rawQueryString"] = draw(or_else(GOOD_QUERIES[event["routeKey"]], queries))
    event["headers"] |= draw(st.dictionaries(text, odd_text, max_size=3))
    event["headers"] |= {
        "authorization": draw(or_else(f"Bearer {known['session_token']}", text.map("Bearer {}".format) | odd_text)),
        "accept-encoding": draw(odd_text),
    }
    for name in event.get("pathParameters", {}):
        event["pathParameters"][name] = draw(or_else(known[name], odd_text))
    event["requestContext"]["authorizer"] = draw(or_else(iam(USER), authorizers))
    return event | draw(or_else({}, contents))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every key and element of a value."""
    found = [path] if path else []
    for key, inner in value.items() if isinstance(value, dict) else ():
        found += places(inner, (*path, key))
    return found


@st.composite
def broken_events(draw: st.DrawFn, known: dict[str, str]) -> Any:
    """Return an event in which up to three parts are missing or something else; or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    event = copy.deepcopy(draw(gateway_events(known)))
    for _ in range(draw(st.integers(1, 3))):
        *outer, last = draw(st.sampled_from(places(event)))
        part = event
        for key in outer:
            part = part[key]
        if draw(st.booleans()):
            del part[last]
        else:
            part[last] = draw(values)
        if not event:
            break
    return event


@dataclass
class Target:
    """An API that is open, and takes the gateway's word where it verified a caller; with one live session."""

    api: Api
    capsys: pytest.CaptureFixture[str]
    caplog: pytest.LogCaptureFixture
    session: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sign_in()

    def sign_in(self) -> None:
        owner = self.api.as_owner(iam(USER))
        if self.session:
            owner.block(self.session["agent_id"], blocked=False)
        self.session |= owner.sign_in(**AGENT).body

    def send(self, function: str, event: Any) -> int:
        """Hold the answer, and what is logged, against everything that they must never be; return the status."""
        self.capsys.readouterr()
        self.caplog.clear()
        response = self.api.functions[function].handler(event, self.api.context)
        out, err = self.capsys.readouterr()

        json.dumps(response)
        route = event.get("routeKey") if isinstance(event, dict) else None
        has_route = isinstance(route, str) and route in BY_KEY and NO_ROUTE not in response["body"]
        # Where there is none, the answer is as that of any other.
        described = str(route) if has_route else "GET /agents/{agent_id}"
        status: int = response["statusCode"]
        check_response(described, status, response["headers"], response["body"])
        assert response["isBase64Encoded"] is False
        assert set(response["headers"].items()) <= HEADERS
        assert not response.get("cookies")
        assert "Traceback" not in response["body"]

        (told,) = [line for line in map(json.loads, out.splitlines()) if line.get("message") == "request"]
        assert told["status"] == status
        assert told.get("route") in (route, None)
        assert out.isascii()
        assert err == ""

        for written in (response["body"], out):
            assert self.session["session_token"] not in written
        if status < 300 and described.startswith(("DELETE", "PATCH /agents")):
            self.sign_in()
        return status


@pytest.fixture
def target(start: Callable[..., Api], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Target:
    return Target(start(API_AUTH="NONE"), capsys, caplog)


def test_any_event_of_the_gateway_is_answered(target: Target) -> None:
    answered: Counter[tuple[str, int]] = Counter()

    @examples(*CASES)
    @given(gateway_events(target.session))
    def send(event: Event) -> None:
        route = event["routeKey"]
        status = target.send(BY_KEY[route].function, event)
        assert status < 500
        assert status != 404 or 404 in documented(route)
        answered[route, status] += 1

    send()

    assert answered.total() >= CASES[0]
    for route in BY_KEY:
        done = sum(answered[route, status] for status in (200, 201, 204))
        assert done >= answered.total() // 200, (route, answered)


def test_any_other_event_is_answered_too(target: Target) -> None:
    answered: Counter[int] = Counter()

    @examples(*CASES)
    @given(broken_events(target.session), st.sampled_from(FUNCTIONS))
    def send(event: Any, function: str) -> None:
        answered[target.send(function, event)] += 1

    send()

    assert answered.total() >= CASES[0]
    assert answered[500] >= answered.total() // 20, answered


def test_what_is_no_event_of_the_gateway_is_named_in_the_log_only(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    response = api.functions["sessions"].handler({"Records": []}, api.context)

    problem = json.loads(response["body"])
    assert (response["statusCode"], problem["error"]) == (500, "InternalError")
    assert problem["request_id"] == api.context.aws_request_id
    bug, request = map(json.loads, capsys.readouterr().out.splitlines())
    assert "not one of an HTTP API with payload format 2.0" in bug["exception"]
    assert (request["status"], request.get("route"), request["request_id"]) == (500, None, problem["request_id"])
