"""The one line that a request leaves: what is in it, and what never is."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.events import Event, load_event
from tests.support.functions import Api
from tools.openapi.routes import BY_NAME

ALWAYS = {"level", "location", "message", "timestamp", "service", "route", "status", "duration_ms", "request_id"}
WHO = {"owner", "agent_id", "session_id"}
SENT = "canary-7f3a"


def with_canary(name: str, place: str) -> Event:
    """Return an example event that carries the canary in a place that callers choose."""
    event = load_event(name)
    match place:
        case "headers":
            event["headers"] |= {"user-agent": SENT, "x-request-id": SENT, "cookie": SENT, "x-amzn-trace-id": SENT}
        case "token":
            event["headers"]["authorization"] = f"Bearer {SENT}"
        case "path":
            event["pathParameters"] = dict.fromkeys(event.get("pathParameters", {"none": SENT}), SENT)
            event["rawPath"] = event["requestContext"]["http"]["path"] = f"/{SENT}"
        case "query":
            event["rawQueryString"] = f"agent_name={SENT}&limit={SENT}&next={SENT}"
        case "body":
            event["body"] = json.dumps({"agent_name": SENT, "context": SENT})
        case "unknown field":
            event["body"] = json.dumps({SENT: SENT})
        case "no json":
            event["body"] = SENT
    return event


def lines(written: str) -> list[dict[str, Any]]:
    """Return the lines that tell of a request."""
    return [line for line in map(json.loads, written.splitlines()) if line.get("message") == "request"]


@pytest.mark.parametrize("name", BY_NAME)
def test_every_request_is_one_line_with_the_template_of_its_route(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    # The report's logger, of the same name in one process, has more to tell.
    api = start(POWERTOOLS_SERVICE_NAME="without-the-report")
    api.send(load_event("sign_in"))
    capsys.readouterr()

    answer = api.send(load_event(name))

    (line,) = lines(capsys.readouterr().out)
    assert (line["route"], line["status"]) == (load_event(name)["routeKey"], answer.status)
    assert ALWAYS <= set(line) <= ALWAYS | WHO


@pytest.mark.parametrize("table", ["SessionsTable", "SessionsTable-that-is-not-there"], ids=["well", "with a bug"])
@pytest.mark.parametrize("place", ["headers", "token", "path", "query", "body", "unknown field", "no json"])
def test_nothing_that_a_caller_sends_is_written(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], place: str, table: str
) -> None:
    api = start(POWERTOOLS_SERVICE_NAME="in-detail", POWERTOOLS_LOG_LEVEL="DEBUG", SESSIONS_TABLE=table)

    for name in BY_NAME:
        api.send(with_canary(name, place))
        written = "".join(capsys.readouterr())
        assert len(lines(written)) == 1, name
        assert SENT not in written, name


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0), ("ERROR", 0)])
def test_the_parameter_says_how_much_is_written(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], level: str, shown: int
) -> None:
    # A service name of its own: Powertools keeps a logger, with its level, for each.
    api = start(POWERTOOLS_SERVICE_NAME=f"at-{level}", POWERTOOLS_LOG_LEVEL=level)

    api.sign_in("Claude")

    written = capsys.readouterr().out
    assert len(lines(written)) == shown
    assert "SignIns" in written, "metrics are no matter of level"
