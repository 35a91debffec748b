"""The hooks of Claude Code and Codex: what they write into settings, and what each event sends."""

import io
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_service import ENDED, Service, problem, token

from agent_sessions_client.cli import hooks, setup, store
from agent_sessions_client.cli.main import main

SESSION = "8f14e45f-ceea-467f-a9d1-000000000001"
SIGN_IN = "POST /sessions"
REPORT = "PATCH /sessions/current"
SIGN_OUT = "DELETE /sessions/current"

# Settings that somebody else wrote, in another format.
OTHERS = {
    "model": "opus",
    "hooks": {
        "PostToolUse": [{"matcher": "Edit|Write", "hooks": [{"type": "command", "command": "ruff format"}]}],
        "PreCompact": [{"hooks": [{"type": "command", "command": "date"}]}],
    },
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("API_AUTH", "API_JWT", "AWS_PROFILE", "AWS_REGION", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("API_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


# -- settings


@pytest.mark.parametrize(("program", "file"), [("claude", ".claude/settings.json"), ("codex", ".codex/hooks.json")])
def test_setup_writes_once_and_remove_restores(home: Path, program: str, file: str) -> None:
    path = home / file
    path.parent.mkdir()
    path.write_text(json.dumps(OTHERS, indent=4))
    path.chmod(0o640)

    assert main(["setup", program]) == 0
    written = path.read_text()
    settings = json.loads(written)
    assert settings["model"] == "opus"
    assert settings["hooks"]["PreCompact"] == OTHERS["hooks"]["PreCompact"]  # type: ignore[index]
    assert settings["hooks"]["PostToolUse"][0] == OTHERS["hooks"]["PostToolUse"][0]  # type: ignore[index]
    assert path.stat().st_mode & 0o777 == 0o640
    for event in setup.PROGRAMS[program].events:
        (ours,) = [
            hook
            for group in settings["hooks"][event]
            for hook in group["hooks"]
            if f"hook {program}" in hook["command"]
        ]
        assert ours["command"].startswith("env API_URL=http://127.0.0.1:4566 ")
        assert ours["command"].endswith(f" hook {program}")
        assert ours["type"] == "command"
        assert ours["timeout"] == (3 if event == "SessionEnd" else 10)

    assert main(["setup", program]) == 0
    assert path.read_text() == written

    assert main(["setup", program, "--remove"]) == 0
    assert json.loads(path.read_text()) == OTHERS


def test_setup_makes_a_new_private_file(home: Path) -> None:
    assert main(["setup", "claude"]) == 0

    path = home / ".claude/settings.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert main(["setup", "claude", "--remove"]) == 0
    assert not path.exists()
    assert main(["setup", "claude", "--remove"]) == 0


def test_dry_run_shows_the_change_and_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "claude", "--dry-run"]) == 0

    shown = capsys.readouterr().out
    assert '+    "SessionStart": [' in shown
    assert not (home / ".claude").exists()


def test_changed_setting_replaces_the_hooks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["setup", "claude"])
    monkeypatch.setenv("API_URL", "http://127.0.0.1:4999")

    main(["setup", "claude", "--name", "Pair's helper"])

    settings = (home / ".claude/settings.json").read_text()
    assert "4566" not in settings
    assert settings.count("API_URL=http://127.0.0.1:4999") == len(setup.PROGRAMS["claude"].events)


@pytest.mark.parametrize("text", ["{", "[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}'])
def test_settings_of_another_form_are_left_alone(home: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    path.write_text(text)

    assert main(["setup", "claude"]) == 1

    assert path.read_text() == text
    assert "correct them first" in capsys.readouterr().err


def test_second_run_keeps_the_format_of_the_file(home: Path) -> None:
    main(["setup", "claude"])
    path = home / ".claude/settings.json"
    reformatted = json.dumps(json.loads(path.read_text()), indent=8)
    path.write_text(reformatted)

    assert main(["setup", "claude"]) == 0

    assert path.read_text() == reformatted


def test_link_to_settings_stays_a_link(home: Path) -> None:
    dotfiles = home / "dotfiles.json"
    dotfiles.write_text("{}")
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").symlink_to(dotfiles)

    main(["setup", "claude"])

    assert (home / ".claude/settings.json").is_symlink()
    assert "SessionStart" in dotfiles.read_text()


def test_secrets_do_not_enter_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_JWT", "a.secret.token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    monkeypatch.setenv("AWS_PROFILE", "agents")

    main(["setup", "claude"])

    settings = (home / ".claude/settings.json").read_text()
    assert "AWS_PROFILE=agents" in settings
    assert "secret" not in settings


# -- events


@pytest.fixture
def fire(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a hook as the coding agent does; returns what that reads."""
    real = httpx2.Client

    def connect(**options: Any) -> httpx2.Client:
        return real(transport=httpx2.MockTransport(service), trust_env=False, **options)

    monkeypatch.setattr(httpx2, "Client", connect)

    def fire(event: str, program: str = "claude", **fields: Any) -> Any:
        body = {"hook_event_name": event, "session_id": SESSION, "cwd": "/nowhere/website"} | fields
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(body)))
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


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"hook_event_name": "Stop", "session_id": "../../x"}'])
def test_other_input_does_nothing(service: Service, text: str) -> None:
    assert hooks.run("claude", text) == ""
    assert service.calls == []


def test_files_of_ended_sessions_are_removed(fire: Any, service: Service) -> None:
    old = store.Stored("http://127.0.0.1:4566", {}, token(9), "2020-01-01T00:00:00Z")  # type: ignore[arg-type]
    store.save("claude-old", old)
    store.save("claude-new", store.Stored(old.url, {}, old.session_token, "2999-01-01T00:00:00Z"))

    fire("SessionStart")

    assert sorted(os.listdir(store.folder())) == ["claude-" + SESSION + ".json", "claude-new.json"]  # noqa: PTH208


def test_stored_session_does_not_show_its_token() -> None:
    store.save("x", store.Stored("u", {}, token(1), "2999-01-01T00:00:00Z"))  # type: ignore[arg-type]

    assert token(1) not in repr(store.load("x"))
