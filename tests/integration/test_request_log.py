"""The contents of the one log line per request."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from agent_sessions.metrics import Metric
from tests.support.events import Event, load_event
from tests.support.functions import Api
from tools.openapi.routes import BY_NAME

TRACE_ID = "1-5759e988-bd862e3fe1be46a994272793"
REQUIRED_KEYS = {"level", "message", "timestamp", "service", "route", "status", "duration_ms", "request_id"}
CALLER_KEYS = {"owner", "agent_id", "session_id"}
METRIC_KEYS = {"_aws", *Metric}
CANARY = "canary-7f3a"


def with_canary(name: str, place: str) -> Event:
    """Return an example event with the canary in a part that callers control."""
    event = load_event(name)
    match place:
        case "headers":
            event["headers"] |= {
                "user-agent": CANARY,
                "x-request-id": CANARY,
                "cookie": CANARY,
                "x-amzn-trace-id": CANARY,
            }
        case "token":
            event["headers"]["authorization"] = f"Bearer {CANARY}"
        case "path":
            event["pathParameters"] = dict.fromkeys(event.get("pathParameters", {"none": CANARY}), CANARY)
            event["rawPath"] = event["requestContext"]["http"]["path"] = f"/{CANARY}"
        case "query":
            event["rawQueryString"] = f"agent_name={CANARY}&limit={CANARY}&next={CANARY}"
        case "body":
            event["body"] = json.dumps({"agent_name": CANARY, "context": CANARY})
        case "unknown field":
            event["body"] = json.dumps({CANARY: CANARY})
        case "no json":
            event["body"] = CANARY
    return event


def lines(written: str) -> list[dict[str, Any]]:
    """Return the log lines of requests."""
    return [line for line in map(json.loads, written.splitlines()) if line.get("message") == "request"]


@pytest.mark.parametrize("name", BY_NAME)
def test_request_log_line_has_the_route_template(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    # In one process, the report's logger of the same name would add its own keys.
    api = start(POWERTOOLS_SERVICE_NAME="without-the-report")
    api.send(load_event("sign_in"))
    capsys.readouterr()

    response = api.send(load_event(name))

    (line,) = lines(capsys.readouterr().out)
    assert (line["route"], line["status"]) == (load_event(name)["routeKey"], response.status)
    assert REQUIRED_KEYS <= set(line) <= REQUIRED_KEYS | CALLER_KEYS | METRIC_KEYS


@pytest.mark.parametrize("table", ["SessionsTable", "missing-table"], ids=["success", "error"])
@pytest.mark.parametrize("place", ["headers", "token", "path", "query", "body", "unknown field", "no json"])
def test_input_of_callers_is_never_logged(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], place: str, table: str
) -> None:
    api = start(POWERTOOLS_SERVICE_NAME="in-detail", POWERTOOLS_LOG_LEVEL="DEBUG", SESSIONS_TABLE=table)

    for name in BY_NAME:
        api.send(with_canary(name, place))
        written = "".join(capsys.readouterr())
        assert len(lines(written)) == 1, name
        assert CANARY not in written, name


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0), ("ERROR", 0)])
def test_log_level_decides_on_the_line_and_never_on_its_metrics(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], level: str, shown: int
) -> None:
    # Powertools keeps one logger, with its level, per service name.
    api = start(POWERTOOLS_SERVICE_NAME=f"at-{level}", POWERTOOLS_LOG_LEVEL=level)

    api.sign_in("Claude")

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert ("owner" in line) is (line.get("message") == "request") is bool(shown)
    assert line["SignIns"] == 1


def test_lambdas_own_level_does_not_replace_the_parameter(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str]
) -> None:
    api = start(POWERTOOLS_SERVICE_NAME="on-lambda", POWERTOOLS_LOG_LEVEL="WARNING", AWS_LAMBDA_LOG_LEVEL="INFO")

    api.sign_in("Claude")

    assert not lines(capsys.readouterr().out)


def test_lambda_can_read_level_and_time_of_a_line(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    # A line without them would be INFO to Lambda. monitoring-cloudwatchlogs-log-level.html
    api.sign_in("Claude")

    (line,) = lines(capsys.readouterr().out)
    assert line["level"] == "INFO"
    assert "T" in line["timestamp"]
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


@pytest.mark.parametrize(
    ("trace", "trace_id"),
    [
        (f"Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0", TRACE_ID),
        (f"Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=0", None),
        (f"Root={TRACE_ID}", None),
        ("no trace", None),
        ("", None),
    ],
)
def test_line_names_the_trace_of_a_sampled_request(
    api: Api,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    trace: str,
    trace_id: str | None,
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)

    api.sign_in("Claude")

    (line,) = lines(capsys.readouterr().out)
    assert line.get("xray_trace_id") == trace_id
