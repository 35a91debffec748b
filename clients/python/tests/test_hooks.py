"""The hooks of Claude Code and Codex: what each event sends."""

import io
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_service import ENDED, Service, problem, token

from agent_sessions_client.cli import hooks, store
from agent_sessions_client.cli.main import main

SESSION = "8f14e45f-ceea-467f-a9d1-000000000001"
SIGN_IN = "POST /sessions"
REPORT = "PATCH /sessions/current"
SIGN_OUT = "DELETE /sessions/current"

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def fire(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a hook as the coding agent does; returns what that reads."""
    real = httpx2.Client

    def connect(**options: Any) -> httpx2.Client:
        return real(transport=httpx2.MockTransport(service), trust_env=False, **options)

    monkeypatch.setattr(httpx2, "Client", connect)

    def fire(event: str, program: str = "claude", **fields: Any) -> Any:
        body = {"hook_event_name": event, "session_id": SESSION, "cwd": "/nowhere/website"} | fields
        sent = json.dumps(body, ensure_ascii=False).encode()
        # JSON is UTF-8, although the terminal of this user has another encoding.
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent), "latin-1"))
        assert main(["hook", program]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return json.loads(printed.out) if printed.out else None

    return fire


@pytest.mark.parametrize(("program", "name"), [("claude", "Claude Code"), ("codex", "Codex")])
def test_session_start_signs_in_with_project_and_model(fire: Any, service: Service, program: str, name: str) -> None:
    assert fire("SessionStart", program, source="startup", model="opus") is None

    assert service.calls == [SIGN_IN, REPORT]
    body = service.body(0)
    assert (body["agent_name"], body["context"], body["metadata"]["model"]) == (name, "website", "opus")
    assert service.body() == {"state": "idle", "activity": "ready"}


def test_project_is_the_folder_with_git(fire: Any, service: Service, home: Path) -> None:
    (home / "shop/.git").mkdir(parents=True)
    (home / "shop/src").mkdir()

    fire("SessionStart", cwd=str(home / "shop/src"))

    assert service.body(0)["context"] == "shop"


def test_project_name_is_read_as_utf_8_in_any_locale(fire: Any, service: Service) -> None:
    fire("SessionStart", cwd="/nowhere/Überblick")

    assert service.body(0)["context"] == "Überblick"


@pytest.mark.parametrize(
    ("event", "fields", "report"),
    [
        ("UserPromptSubmit", {"prompt": "a secret plan"}, {"state": "working", "activity": None}),
        ("PostToolUse", {"tool_name": "Bash", "tool_input": {}}, {"state": "working", "activity": "using Bash"}),
        ("Notification", {"message": "x"}, {"state": "waiting", "activity": "for a permission"}),
        ("PermissionRequest", {"tool_name": "Bash"}, {"state": "waiting", "activity": "for a permission"}),
        ("Stop", {"stop_hook_active": False}, {"state": "waiting", "activity": "for the next prompt"}),
    ],
)
def test_event_reports_its_state(
    fire: Any, service: Service, event: str, fields: dict[str, Any], report: dict[str, Any]
) -> None:
    fire("SessionStart")

    assert fire(event, **fields) is None

    assert service.calls[2:] == [REPORT]
    assert service.body() == report


def test_tools_report_at_most_every_half_minute(fire: Any, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: clock)
    fire("SessionStart")
    fire("UserPromptSubmit")
    sent = len(service.calls)

    fire("PostToolUse", tool_name="Bash")
    assert len(service.calls) == sent
    clock += hooks.REPORT_SECONDS
    fire("PostToolUse", tool_name="Bash")
    assert len(service.calls) == sent + 1


def test_tool_after_waiting_reports_at_once(fire: Any, service: Service) -> None:
    fire("SessionStart")
    fire("Notification")

    fire("PostToolUse", tool_name="Bash")

    assert service.body() == {"state": "working", "activity": "using Bash"}


@pytest.mark.parametrize("event", ["UserPromptSubmit", "PostToolUse"])
def test_stop_request_reaches_the_model(fire: Any, service: Service, event: str) -> None:
    fire("SessionStart")
    service.stop = {"reason": "budget used up", "at": "2026-11-22T16:20:00Z"}

    output = fire(event, tool_name="Bash")

    assert output["hookSpecificOutput"]["hookEventName"] == event
    assert "budget used up" in output["hookSpecificOutput"]["additionalContext"]


def test_resumed_conversation_keeps_its_session(fire: Any, service: Service) -> None:
    fire("SessionStart")
    fire("SessionStart", source="compact")

    assert service.calls.count(SIGN_IN) == 1


def test_ended_session_signs_in_again(fire: Any, service: Service) -> None:
    fire("SessionStart")
    service.live.clear()

    fire("UserPromptSubmit")

    assert service.calls == [SIGN_IN, REPORT, REPORT, SIGN_IN, REPORT]


def test_session_end_signs_out_and_forgets(fire: Any, service: Service) -> None:
    fire("SessionStart")

    fire("SessionEnd", reason="other")

    assert service.calls[-1] == SIGN_OUT
    assert service.live == set()
    assert store.load(f"claude-{SESSION}") is None


def test_session_end_sends_no_token_to_another_service(
    fire: Any, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire("SessionStart")
    sent = len(service.calls)
    monkeypatch.setenv("API_URL", "http://127.0.0.1:4567")

    fire("SessionEnd")

    assert len(service.calls) == sent
    assert store.load(f"claude-{SESSION}") is None


def test_two_conversations_are_two_sessions(fire: Any, service: Service) -> None:
    fire("SessionStart")
    fire("SessionStart", session_id=SESSION[:-1] + "2")
    fire("SessionEnd")

    assert service.live == {token(2)}


@pytest.mark.parametrize(
    "failure", [problem(503, "DatabaseError"), problem(403, "AgentBlockedError"), ENDED, httpx2.ConnectError("refused")]
)
def test_failure_is_told_once_and_never_disturbs(
    fire: Any, service: Service, failure: httpx2.Response | Exception
) -> None:
    service.planned = [failure] * 20

    assert fire("SessionStart")["systemMessage"].startswith("agent-sessions: ")
    for event in ("UserPromptSubmit", "PostToolUse", "Notification", "Stop", "SessionEnd"):
        assert fire(event) is None


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b"\xff", b'{"hook_event_name": "Stop", "session_id": "../../x"}']
)
def test_other_input_does_nothing(service: Service, text: bytes) -> None:
    assert hooks.run("claude", text) == ""
    assert service.calls == []


def test_files_of_ended_sessions_are_removed(fire: Any, service: Service) -> None:
    old = store.Stored("http://127.0.0.1:4566", token(9), "2020-01-01T00:00:00Z")  # type: ignore[arg-type]
    store.save("claude-old", old)
    store.save("claude-new", store.Stored(old.url, old.session_token, "2999-01-01T00:00:00Z"))

    fire("SessionStart")

    assert sorted(os.listdir(store.folder())) == ["claude-" + SESSION + ".json", "claude-new.json"]  # noqa: PTH208


def test_session_starts_although_the_folder_has_other_files(fire: Any, service: Service) -> None:
    store.folder().mkdir(parents=True)
    (store.folder() / "my notes.json").write_text("{}")

    assert fire("SessionStart") is None

    assert service.calls == [SIGN_IN, REPORT]
    assert (store.folder() / "my notes.json").exists()


def test_stored_session_does_not_show_its_token() -> None:
    store.save("x", store.Stored("u", token(1), "2999-01-01T00:00:00Z"))  # type: ignore[arg-type]

    assert token(1) not in repr(store.load("x"))
