"""Log lines and metrics of a request; tests/guards searches them for tokens."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import FrozenClock
from tests.support.events import load_event
from tests.support.functions import OWNER, Api


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> "Output":
    return Output(capsys)


class Output:
    """The log lines since the last call."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    def counted(self) -> dict[str, float]:
        """Return each metric in embedded metric format, and its value."""
        counted: dict[str, float] = {}
        for line in self.lines():
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                assert directive["Namespace"] == "AgentSessions"
                assert directive["Dimensions"] == [["service"]]
                assert line["service"] == "agent-sessions"
                counted |= {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}
        return counted


def test_request_log_line_names_route_owner_and_ids(api: Api, output: Output) -> None:
    body = api.sign_in("Claude").body

    (line,) = [each for each in output.lines() if each.get("message") == "request"]
    assert line["route"] == "POST /sessions"
    assert line["status"] == 201
    assert line["duration_ms"] >= 0
    assert line["request_id"] == load_event("sign_in")["requestContext"]["requestId"]
    assert line["owner"] == f"iam:{OWNER}"
    assert (line["agent_id"], line["session_id"]) == (body["agent_id"], body["session_id"])


def test_log_keys_are_cleared_after_a_request(api: Api, output: Output) -> None:
    api.sign_in()
    output.lines()
    api.validate("nonsense")

    (line,) = [each for each in output.lines() if each.get("message") == "request"]
    assert not {"owner", "agent_id", "session_id"} & set(line)


def test_each_event_is_counted_once(api: Api, output: Output, frozen: FrozenClock) -> None:
    def counted() -> dict[str, float]:
        return output.counted()

    token = api.sign_in().body["session_token"]
    assert counted() == {"SignIns": 1, "AgentsCreated": 1}
    api.sign_in()
    assert counted() == {"SignIns": 1, "AgentsRecognised": 1}
    api.validate(token)
    assert counted() == {"Validations": 1}
    frozen.tick(60)
    api.validate(token)
    assert counted() == {"Validations": 1, "Touches": 1}
    api.sign_out(token)
    assert counted() == {"SignOuts": 1}
    api.sign_out(token)
    assert counted() == {}
    api.validate(token)
    assert counted() == {"RejectedTokens": 1}
    api.sign_out("nonsense")
    assert counted() == {"RejectedTokens": 1}
    api.find(agent_name="Claude")
    assert counted() == {}


def test_every_response_has_no_store(api: Api) -> None:
    signed_in = api.sign_in()
    responses = [
        signed_in,
        api.validate(signed_in.body["session_token"]),
        api.sign_out(signed_in.body["session_token"]),
        api.validate("nonsense"),
        api.find(agent_name="Nobody"),
        api.sign_in_raw(None),
        api.send(load_event("check_health")),
    ]

    assert {response.headers["Cache-Control"] for response in responses} == {"no-store"}


def test_unknown_route_returns_404(api: Api) -> None:
    event = load_event("check_health") | {"routeKey": "GET /nothing"}

    response = api.functions["sessions"].handler(event, api.context)

    assert response["statusCode"] == 404
    assert json.loads(response["body"])["error"] == "NotFoundError"


@pytest.mark.parametrize("variable", ["POWERTOOLS_DEV", "POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEBUG"])
def test_no_variable_of_powertools_prints_a_token(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    api = start(**{variable: "true"})
    token = api.sign_in().body["session_token"]
    for response in (api.validate(token), api.progress(token, state="working"), api.sign_out(token)):
        assert response.status < 300

    captured = capsys.readouterr()
    assert token not in captured.out + captured.err
    assert "authorization" not in (captured.out + captured.err).lower()
