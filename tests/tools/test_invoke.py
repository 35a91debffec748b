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
from tools.openapi.routes import ALL_FUNCTIONS

ENVIRONMENT: dict[str, str] = json.loads((ROOT / "events/env.json").read_text())["Parameters"]


def test_template_declares_every_variable_of_the_events() -> None:
    # SAM CLI passes only variables that the template declares.
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
    """`make invoke` with the functions in this process instead of containers; the events by route."""
    folders = [*ALL_FUNCTIONS, "activity_report", "operator"]
    handlers = {logical_function(folder): load_function(folder).handler for folder in folders}
    sent: dict[str, Any] = {}

    def run_in_process(function: str, event: dict[str, Any], **_: Any) -> tuple[Any, str]:
        sent[event.get("routeKey", "schedule")] = event
        return handlers[function](event, Context()), "1"

    monkeypatch.setattr(invoke, "FOLDER", tmp_path)
    monkeypatch.setattr(invoke, "invoke", run_in_process)
    monkeypatch.setattr(docker, "require_engine", lambda: None)
    monkeypatch.setattr(docker, "has_image", lambda _: True)
    monkeypatch.setattr(stack, "build", lambda _: None)
    return sent


@pytest.mark.usefixtures("other_services")
def test_every_event_succeeds_against_the_local_service(
    in_process: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Emulator(pid=1, port=4566, folder=tmp_path)
    monkeypatch.setattr(Emulator, "running", lambda _: running)

    assert invoke.invoke_all(), capsys.readouterr().out
    example = load_event("validate_session")["headers"]["authorization"]
    assert in_process["GET /sessions/current"]["headers"]["authorization"] not in ("", example)


@pytest.mark.usefixtures("other_services")
def test_unexpected_status_is_shown(
    in_process: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: None)

    assert not invoke.invoke_all(), "without a local service, `make invoke` expects 503, but here a database responds"
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sign_in")]
    assert [line.split() for line in shown] == [["sign_in", "201", "1", "ms", "expected", "503"]]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"statusCode": 204, "body": ""}, "204"),
        ({"errorMessage": "…", "errorType": "DatabaseError"}, "DatabaseError"),
        ({"active_sessions": 0, "active_agents": 0}, "ok"),
    ],
)
def test_status_is_shown_in_one_word(result: dict[str, Any], status: str) -> None:
    assert invoke.status_of(result) == status


@pytest.mark.parametrize(
    ("path", "missing"),
    [("/nowhere", "there is no docker command"), (None, "no Docker engine responds")],
    ids=["no docker", "no engine"],
)
def test_missing_docker_is_reported_in_one_sentence(path: str | None, missing: str, tmp_path: Path) -> None:
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
def test_bridge_address_is_that_of_this_machine(
    bridge: str, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable_socket()  # binds an address to see whether it is this machine's, and sends nothing
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
def test_empty_endpoint_means_aws(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, variable: str, endpoint: str
) -> None:
    assert environment["AWS_ENDPOINT_URL"] == "", "the value in the template"
    monkeypatch.setenv("AWS_ENDPOINT_URL", variable)

    assert BotocoreTransport.connect().client.meta.endpoint_url == endpoint
