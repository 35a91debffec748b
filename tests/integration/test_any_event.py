"""Every event gets a described response, without exceptions or tracebacks, and without secrets in it or in the log."""

import copy
import json
from base64 import b64encode
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

# Of each route, and of each function.
GATEWAY_EVENTS, OTHER_EVENTS = (15, 5_000), (60, 25_000)

EVENTS = {event["routeKey"]: event for event in map(load_event, BY_NAME)}
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
# All possible headers: none has a part that depends on the caller.
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

# Everything that JSON can contain, with lone surrogates and deep nesting.
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
    st.sampled_from([event["body"] for event in EVENTS.values() if "body" in event]),
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


def or_odd(good: Any, odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the good value three times of four, so that most events get past a part that can be odd."""
    return st.sampled_from([True, True, True, False]).flatmap(lambda is_good: st.just(good) if is_good else odd)


def good_event(route: str, session: dict[str, str]) -> Event:
    """Return an event of a route that succeeds for a live session."""
    event: Event = copy.deepcopy(EVENTS[route])
    event["headers"]["authorization"] = f"Bearer {session['session_token']}"
    for name in event.get("pathParameters", {}):
        event["pathParameters"][name] = session[name]
    event["requestContext"]["authorizer"] = iam(USER)
    return event


@st.composite
def gateway_events(draw: st.DrawFn, route: str, session: dict[str, str]) -> Event:
    """Return an event of a route that an HTTP API can send: every part has the right type and may be hostile."""
    event: Event = good_event(route, session)
    event["rawPath"] = draw(odd_text)
    event["rawQueryString"] = draw(or_odd(event["rawQueryString"], queries))
    event["headers"] |= draw(st.dictionaries(text, odd_text, max_size=3))
    event["headers"] |= {
        "authorization": draw(or_odd(event["headers"]["authorization"], text.map("Bearer {}".format) | odd_text)),
        "accept-encoding": draw(odd_text),
    }
    for name, value in event.get("pathParameters", {}).items():
        event["pathParameters"][name] = draw(or_odd(value, odd_text))
    event["requestContext"]["authorizer"] = draw(or_odd(iam(USER), authorizers))
    event |= draw(or_odd({}, contents))
    return event


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every key and element of a value."""
    found = [path] if path else []
    for key, inner in value.items() if isinstance(value, dict) else ():
        found += places(inner, (*path, key))
    return found


@st.composite
def broken_events(draw: st.DrawFn, session: dict[str, str]) -> Any:
    """Return an event in which up to three parts are missing or of another type; or any other value."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    # Parts of it are drawn again for other events, so a copy is broken.
    event = copy.deepcopy(draw(gateway_events(draw(st.sampled_from(list(EVENTS))), session)))
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
    """An API that accepts events with and without a verified caller, and one live session."""

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
        """Send an event; check the response and the log; return the status."""
        self.capsys.readouterr()
        self.caplog.clear()
        response = self.api.functions[function].handler(event, self.api.context)
        out, err = self.capsys.readouterr()

        json.dumps(response)
        route = event.get("routeKey") if isinstance(event, dict) else None
        has_route = isinstance(route, str) and route in BY_KEY and NO_ROUTE not in response["body"]
        # Without a route, the response is the same for all.
        described = str(route) if has_route else "GET /agents/{agent_id}"
        status: int = response["statusCode"]
        check_response(described, status, response["headers"], response["body"])
        assert response["isBase64Encoded"] is False
        assert set(response["headers"].items()) <= HEADERS
        assert not response.get("cookies")
        assert "Traceback" not in response["body"]

        (line,) = [line for line in map(json.loads, out.splitlines()) if line.get("message") == "request"]
        assert line["status"] == status
        assert line.get("route") in (route, None)
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


@pytest.mark.slow
@pytest.mark.parametrize("route", EVENTS)
def test_any_gateway_event_gets_a_described_response(target: Target, route: str) -> None:
    @examples(*GATEWAY_EVENTS)
    @given(gateway_events(route, target.session))
    def send(event: Event) -> None:
        status = target.send(BY_KEY[route].function, event)
        assert status < 500
        assert status != 404 or 404 in documented(route)

    send()

    assert target.send(BY_KEY[route].function, good_event(route, target.session)) == BY_KEY[route].success.status


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_other_event_gets_a_described_response(target: Target, function: str) -> None:
    @examples(*OTHER_EVENTS)
    @given(broken_events(target.session))
    def send(event: Any) -> None:
        target.send(function, event)

    send()


def test_foreign_event_returns_500_and_is_logged(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    response = api.functions["sessions"].handler({"Records": []}, api.context)

    problem = json.loads(response["body"])
    assert (response["statusCode"], problem["error"]) == (500, "InternalError")
    assert problem["request_id"] == api.context.aws_request_id
    bug, request = map(json.loads, capsys.readouterr().out.splitlines())
    assert "not one of an HTTP API with payload format 2.0" in bug["exception"]
    assert (request["status"], request.get("route"), request["request_id"]) == (500, None, problem["request_id"])
