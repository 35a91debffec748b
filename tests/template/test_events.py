"""docs/events.md shows the events as they are, and the examples that consume them do what they say."""

import json
import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from agent_sessions.domain.models import Agent, Session
from agent_sessions.http.response_models import agent_body, session_body
from agent_sessions.services.lifecycle import DetailType
from tools import ROOT
from tools.cloudformation import load_template, resources

DOCUMENT = (ROOT / "docs/events.md").read_text()
EVENT, AGENT_DETAIL, PATTERN = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL))
OWN = ["sign_in_number", "time", "sequence_number"]
AGENT = Agent(
    agent_id="a",
    owner="public",
    identity_key="x:default",
    agent_name="x",
    context=None,
    created_at=0,
    last_active=0,
    blocked=False,
    sign_ins=1,
    ended_through=0,
    swept_at=0,
    incarnation="s",
)
SESSION = Session(
    agent_id="a",
    session_id="s",
    owner="public",
    agent_name="x",
    context=None,
    created_at=0,
    last_active=0,
    expires_at=1,
    ends_at=1,
    idle_seconds=1,
    sign_in_number=1,
    incarnation="s",
)


def test_document_lists_every_kind_of_event() -> None:
    assert re.findall(r"^\| `(\w+ \w+)` \|", DOCUMENT, re.MULTILINE) == list(DetailType)


def test_document_shows_every_field() -> None:
    assert list(EVENT["detail"]) == [*session_body(SESSION), *OWN, "reason"]
    assert list(AGENT_DETAIL) == [*agent_body(AGENT), *OWN]
    assert re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE) == [*OWN, "reason"]


def test_document_shows_the_rule_of_the_example() -> None:
    (rule,) = resources("AWS::Events::Rule", load_template("examples/agent_offline.yaml")).values()
    pattern = rule["EventPattern"]
    pattern["detail"]["agent_id"] = PATTERN["detail"]["agent_id"]

    assert pattern == PATTERN


def load(example: str, monkeypatch: pytest.MonkeyPatch, clients: dict[str, Any], **variables: str) -> ModuleType:
    """Run the code of an example's function, with these clients of AWS."""
    (function,) = resources("AWS::Lambda::Function", load_template(f"examples/{example}.yaml")).values()
    assert set(variables) == set(function["Environment"]["Variables"])
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=clients.__getitem__))
    module = ModuleType("index")
    exec(compile(function["Code"]["ZipFile"], "index.py", "exec"), module.__dict__)  # noqa: S102
    return module


@pytest.mark.parametrize(("counts", "alerts"), [([0, 0], 1), ([0, 1], 0), ([0], 1)])
def test_example_alerts_if_no_session_is_left(monkeypatch: pytest.MonkeyPatch, counts: list[int], alerts: int) -> None:
    published: list[dict[str, str]] = []
    pages = SimpleNamespace(paginate=lambda **_: [{"Count": each} for each in counts])
    clients = {
        "dynamodb": SimpleNamespace(get_paginator=lambda _: pages),
        "sns": SimpleNamespace(publish=lambda **message: published.append(message)),
    }
    module = load("agent_offline", monkeypatch, clients, SESSIONS_TABLE="sessions", TOPIC_ARN="topic")

    module.handler({"Records": [{"body": json.dumps(EVENT)}]}, None)

    assert [each["Subject"] for each in published] == ["An agent went offline"] * alerts


@pytest.mark.parametrize("is_gone", [False, True])
def test_example_stops_the_runtime_session_once(monkeypatch: pytest.MonkeyPatch, is_gone: bool) -> None:
    class ResourceNotFoundException(Exception):  # noqa: N818  boto3's name
        pass

    stopped: list[dict[str, str]] = []

    def stop(**request: str) -> None:
        stopped.append(request)
        if is_gone:
            raise ResourceNotFoundException

    client = SimpleNamespace(
        stop_runtime_session=stop,
        exceptions=SimpleNamespace(ResourceNotFoundException=ResourceNotFoundException),
    )
    variables = {"AGENT_RUNTIME_ARN": "arn", "QUALIFIER": "DEFAULT"}
    module = load("stop_agentcore_session", monkeypatch, {"bedrock-agentcore": client}, **variables)
    detail = EVENT["detail"] | {"metadata": {"agentcore.session": "r" * 33}}

    module.handler(EVENT | {"detail": detail}, None)

    assert stopped == [{"agentRuntimeArn": "arn", "qualifier": "DEFAULT", "runtimeSessionId": "r" * 33}]
