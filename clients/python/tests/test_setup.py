"""`agent-sessions setup`: what it writes into the settings of Claude Code and Codex."""

import json
from pathlib import Path

import pytest

from agent_sessions_client.cli import setup
from agent_sessions_client.cli.main import main

pytestmark = pytest.mark.usefixtures("home")

# Settings that somebody else wrote, in another format.
OTHERS = {
    "model": "opus",
    "hooks": {
        "PostToolUse": [{"matcher": "Edit|Write", "hooks": [{"type": "command", "command": "ruff format"}]}],
        "PreCompact": [{"hooks": [{"type": "command", "command": "date"}]}],
    },
}


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
