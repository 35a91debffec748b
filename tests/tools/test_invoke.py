"""`make invoke` and what `sam local invoke` needs from the template."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_socket import enable_socket

from agent_sessions.dynamodb.client import BotocoreTransport
from tests.support.events import load_event
from tests.support.functions import Api, Context
from tools import ROOT, invoke
from tools.cloudformation import TEMPLATE, logical_function
from tools.local import docker, stack
from tools.local.emulator import Emulator

ENVIRONMENT: dict[str, str] = json.loads((ROOT / "events/env.json").read_text())["Parameters"]


def test_the_template_declares_every_variable_that_the_events_need() -> None:
    # SAM passes none that it does not.
    assert set(ENVIRONMENT) <= set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])


def test_every_event_is_invoked_once() -> None:
    files = {path.stem for path in (ROOT / "events").glob("*.json")} - {"env"}

    assert sorted(step.event for step in invoke.steps()) == sorted(files)


def test_sign_in_is_invoked_first() -> None:
    assert next(invoke.steps()).event == "sign_in"


@pytest.fixture
def in_process(
    api: Api, load_function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, Any]:
    """`make invoke` with the functions in this process in place of containers; what it sent to each."""
    folders = [*api.functions, "activity_report"]
    handlers = {logical_function(folder): load_function(folder).handler for folder in folders}
    sent: dict[str, Any] = {}

    def answer(function: str, event: dict[str, Any], **_: Any) -> tuple[Any, str]:
        sent[event.get("routeKey", "schedule")] = event
        return handlers[function](event, Context()), "1"

    monkeypatch.setattr(invoke, "FOLDER", tmp_path)
    monkeypatch.setattr(invoke, "invoke", answer)
    monkeypatch.setattr(docker, "require_engine", lambda: None)
    monkeypatch.setattr(docker, "has_image", lambda _: True)
    monkeypatch.setattr(stack, "build", lambda _: None)
    return sent


def test_against_the_local_service_every_event_is_answered_well(
    in_process: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Emulator(pid=1, port=4566, folder=tmp_path)
    monkeypatch.setattr(Emulator, "running", lambda _: running)

    assert invoke.invoke_all(), capsys.readouterr().out
    example = load_event("validate_session")["headers"]["authorization"]
    assert in_process["GET /sessions/current"]["headers"]["authorization"] not in ("", example)


def test_an_answer_that_is_not_the_expected_one_is_told(
    in_process: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: None)

    assert not invoke.invoke_all(), "the database answers here, and 503 was expected"
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sign_in")]
    assert [line.split() for line in shown] == [["sign_in", "201", "1", "ms", "expected", "503"]]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 204, "body": ""}, "204"),
        ({"errorMessage": "…", "errorType": "DatabaseError"}, "DatabaseError"),
        ({"active_sessions": 0, "active_agents": 0}, "ok"),
    ],
)
def test_an_answer_is_told_in_a_word(answer: dict[str, Any], status: str) -> None:
    assert invoke.status_of(answer) == status


@pytest.mark.parametrize(
    ("path", "missing"),
    [("/nowhere", "there is no docker command"), (None, "no Docker engine responds")],
    ids=["no docker", "no engine"],
)
def test_without_docker_it_says_what_is_missing(path: str | None, missing: str, tmp_path: Path) -> None:
    command = tmp_path / "docker"
    command.write_text("#!/bin/sh\necho Cannot connect to the Docker daemon >&2\nexit 1\n")
    command.chmod(0o755)
    environ = os.environ | {
        "PATH": path or f"{tmp_path}:/bin:/usr/bin",
        "PYTHONPATH": f"{ROOT}:{ROOT}/layers/agent_sessions",
    }

    done = subprocess.run(
        [sys.executable, "-m", "tools.invoke"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("make invoke: ")
    assert missing in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("bridge", "address"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.0/16", "127.0.0.1"), ("203.0.113.1", None), ("", None)],
    ids=["its address", "its network only", "in a machine of its own", "no docker"],
)
def test_containers_reach_this_machine_at_the_address_of_their_bridge(
    bridge: str, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable_socket()  # it tries whether an address is this machine's, and speaks to nobody
    monkeypatch.setattr(docker, "_docker", lambda *_: bridge or None)

    assert docker.bridge_address() == address


@pytest.mark.parametrize(
    ("variable", "endpoint"),
    [
        ("", "https://dynamodb.eu-west-1.amazonaws.com"),
        ("http://host.docker.internal:4566", "http://host.docker.internal:4566"),
    ],
    ids=["empty", "an emulator"],
)
def test_an_empty_endpoint_is_aws_itself(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, variable: str, endpoint: str
) -> None:
    assert environment["AWS_ENDPOINT_URL"] == "", "what the template says"
    monkeypatch.setenv("AWS_ENDPOINT_URL", variable)

    assert BotocoreTransport.connect().client.meta.endpoint_url == endpoint
