"""Writes the hooks into the settings of Claude Code and of Codex.

Claude Code reads `hooks` in `settings.json` (code.claude.com/docs/en/hooks), Codex in `hooks.json`
(developers.openai.com/codex/hooks): both map an event to groups, and a group to commands. Everything else in the files
stays as it is.
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Seconds. Codex allows a SessionEnd hook 3, and Claude Code gives it 1.5 unless the hook says more.
TIMEOUT = 10
END_TIMEOUT = 3


@dataclass(frozen=True)
class Program:
    """A coding agent: where its hooks are, and which events it has, each with the matcher of its group."""

    title: str
    home_variable: str
    home: str
    file: str
    events: Mapping[str, str | None]
    advice: str

    def path(self, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the settings file of the user."""
        return Path(environ.get(self.home_variable) or Path.home() / self.home) / self.file


PROGRAMS = {
    "claude": Program(
        "Claude Code",
        "CLAUDE_CONFIG_DIR",
        ".claude",
        "settings.json",
        {
            "SessionStart": None,
            "UserPromptSubmit": None,
            "PostToolUse": None,
            "Notification": "permission_prompt|elicitation_dialog",
            "Stop": None,
            "SessionEnd": None,
        },
        "Sessions that are already open do not use them yet. `/hooks` in Claude Code lists the hooks.",
    ),
    "codex": Program(
        "Codex",
        "CODEX_HOME",
        ".codex",
        "hooks.json",
        {
            "SessionStart": None,
            "UserPromptSubmit": None,
            "PostToolUse": None,
            "PermissionRequest": None,
            "Stop": None,
            "SessionEnd": None,
        },
        "Codex runs new hooks only after you trust them: start it and enter `/hooks`.",
    ),
}


class SettingsError(Exception):
    """A settings file cannot be read or has an unexpected form; nothing was written."""


def command(program: str, variables: Mapping[str, str], agent_name: str | None) -> str:
    """Return the shell command of a hook: with absolute paths, because coding agents have a PATH of their own."""
    found = shutil.which("agent-sessions")
    executable = [found] if found else [sys.executable, "-m", "agent_sessions_client.cli.main"]
    settings = [f"{name}={value}" for name, value in variables.items()]
    name = ["--name", agent_name] if agent_name else []
    return shlex.join(["env", *settings, *executable, "hook", program, *name])


def read(path: Path) -> str:
    """Return the text of a settings file, or nothing if there is none yet."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        reason = error.strerror
    except ValueError:
        reason = "it is not UTF-8"
    raise SettingsError(f"the settings cannot be read: {reason}")


def with_hooks(program: str, text: str, hook: str | None) -> str:
    """Return the settings with this command as the hook of each event; without any of ours if it is None.

    Settings of which nothing is left are an empty text.

    Raises:
        SettingsError: the text is not a JSON object with hooks as the program documents them.
    """
    settings = _parse(text)
    hooks = settings.setdefault("hooks", {})
    ours = re.compile(rf"agent[-_]sessions\S* hook {program}\b")
    for event in list(hooks):
        hooks[event] = [group for group in (_without(each, ours) for each in hooks[event]) if group is not None]
    if hook is not None:
        for event, matcher in PROGRAMS[program].events.items():
            hooks.setdefault(event, []).append(_group(event, matcher, hook))
    settings["hooks"] = {event: groups for event, groups in hooks.items() if groups}
    if not settings["hooks"]:
        del settings["hooks"]
    if not settings:
        return ""
    written = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    # The file may be formatted otherwise: then equal settings stay as they are.
    return text if text.strip() and json.loads(text) == settings else written


def write(path: Path, text: str) -> None:
    """Replace a settings file, whole, with its mode kept; a symbolic link keeps pointing to it. No text: delete it."""
    target = path.resolve()
    if not text:
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    new = target.with_name(f".{target.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(mode)
    new.replace(target)


def _parse(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise SettingsError(f"the settings are not JSON ({error}); correct them first") from None
    hooks = settings.get("hooks", {}) if isinstance(settings, dict) else None
    if not isinstance(hooks, dict) or not all(isinstance(each, list) for each in hooks.values()):
        raise SettingsError("the settings have no JSON object `hooks` of lists; correct them first")
    return dict(settings)


def _without(group: Any, ours: "re.Pattern[str]") -> Any:
    """Return a group without our commands; None if nothing is left of it."""
    if not isinstance(group, dict) or not isinstance(group.get("hooks"), list):
        return group
    others = [
        each for each in group["hooks"] if not ours.search(str(each.get("command")) if isinstance(each, dict) else "")
    ]
    if len(others) == len(group["hooks"]):
        return group
    return {**group, "hooks": others} if others else None


def _group(event: str, matcher: str | None, hook: str) -> dict[str, Any]:
    timeout = END_TIMEOUT if event == "SessionEnd" else TIMEOUT
    matching = {} if matcher is None else {"matcher": matcher}
    return {**matching, "hooks": [{"type": "command", "command": hook, "timeout": timeout}]}
