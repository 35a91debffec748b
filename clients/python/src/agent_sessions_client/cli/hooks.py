"""What the hooks of coding agents do: sign in, report, sign out, and pass on a request to stop.

Claude Code and Codex run `agent-sessions hook PROGRAM` with an event as JSON on standard input, and read JSON from
standard output. A hook never fails and never prints a token: it must not disturb the work.
"""

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx2

from agent_sessions_client.auth import auth_from_environment, url_from_environment
from agent_sessions_client.cli import store
from agent_sessions_client.client import Client
from agent_sessions_client.errors import AgentSessionsError, InvalidSessionError
from agent_sessions_client.exchange import Retries
from agent_sessions_client.models import Session, State

NAMES = {"claude": "Claude Code", "codex": "Codex"}
# A hook delays the agent: it gives up soon.
TIMEOUT_SECONDS = 2.0
HOOK_RETRIES = Retries(attempts=2, longest_wait=1.0)
# After each use of a tool: not more often than this.
REPORT_SECONDS = 30.0
MAX_ACTIVITY = 120
STOP = (
    "The owner of this agent asks it to stop, for this reason: {reason}\n"
    "Bring the current step to a safe state, do not begin another one, tell the user why, and end the turn."
)


@dataclass(frozen=True)
class Event:
    """An event of a coding agent."""

    name: str
    session_id: str
    body: Mapping[str, Any]

    @classmethod
    def parse(cls, text: bytes) -> "Event | None":
        """Read an event; None if it is not one."""
        try:
            body = json.loads(text)
            return cls(str(body["hook_event_name"]), str(body["session_id"]), body)
        except (ValueError, KeyError, TypeError):
            return None


def run(program: str, text: bytes, agent_name: str | None = None) -> str:
    """Execute the hook of an event; return what the coding agent shall read, as JSON, or nothing."""
    event = Event.parse(text)
    if event is None or not store.LABEL.fullmatch(f"{program}-{event.session_id}"):
        return ""
    if event.name == "PostToolUse" and _has_just_reported(f"{program}-{event.session_id}"):
        return ""
    try:
        with httpx2.Client(timeout=TIMEOUT_SECONDS) as http_client:
            url = url_from_environment()
            client = Client(url, auth_from_environment(url), retries=HOOK_RETRIES, http_client=http_client)
            output = Hook(client, url, program, event, agent_name).run()
    except (AgentSessionsError, OSError, ValueError) as error:
        # Once, at the start: later events would repeat it at every step.
        output = {"systemMessage": f"agent-sessions: {error}"} if event.name == "SessionStart" else {}
    return json.dumps(output) if output else ""


def _has_just_reported(label: str) -> bool:
    """Whether the agent has reported `working` within the last half minute: it uses many tools."""
    stored = store.load(label)
    state, at = stored.reported if stored else ("", 0.0)
    return state == "working" and 0 <= time.time() - at < REPORT_SECONDS


class Hook:
    """One event of one session of a coding agent."""

    def __init__(self, client: Client, url: str, program: str, event: Event, agent_name: str | None) -> None:
        self._client = client
        self._url = url
        self._event = event
        self._label = f"{program}-{event.session_id}"
        self._name = agent_name or NAMES[program]

    def run(self) -> dict[str, Any]:
        """Do what the event asks for; return the output."""
        match self._event.name:
            case "SessionStart":
                store.delete_ended(datetime.now(timezone.utc))
                self._report("idle", "ready")
            case "UserPromptSubmit":
                return self._tell(self._report("working", None))
            case "PostToolUse":
                tool = self._event.body.get("tool_name")
                activity = f"using {tool}"[:MAX_ACTIVITY] if isinstance(tool, str) and tool else None
                return self._tell(self._report("working", activity))
            case "Notification" | "PermissionRequest":
                self._report("waiting", "for a permission")
            case "Stop":
                self._report("waiting", "for the next prompt")
            case "SessionEnd":
                self._sign_out()
        return {}

    def _report(self, state: State, activity: str | None) -> Session:
        stored = store.load(self._label)
        if stored is not None and stored.url == self._url:
            session = self._client.resume(stored.session_token, validate=False)
            try:
                shown = session.progress(state, activity)
            except InvalidSessionError:
                pass  # it has ended: sign in again
            else:
                stored.reported = (state, time.time())
                store.save(self._label, stored)
                return shown
        session = self._client.sign_in(self._name, self._context(), metadata=self._metadata())
        ends_at = str(session.session.body["ends_at"])
        stored = store.Stored(self._url, session.session_token, ends_at, (state, time.time()))
        store.save(self._label, stored)
        return session.progress(state, activity)

    def _sign_out(self) -> None:
        stored = store.load(self._label)
        if stored is None:
            return
        try:
            # A token is for the service that issued it, and API_URL may name another one by now.
            if stored.url == self._url:
                self._client.resume(stored.session_token, validate=False).sign_out()
        finally:
            store.delete(self._label)

    def _tell(self, session: Session) -> dict[str, Any]:
        """Pass a request to stop on to the model."""
        if session.stop_requested is None:
            return {}
        text = STOP.format(reason=session.stop_requested.reason)
        return {"hookSpecificOutput": {"hookEventName": self._event.name, "additionalContext": text}}

    def _context(self) -> str | None:
        """Return the name of the project: of the folder with `.git`, or else of the working directory."""
        folder = Path(str(self._event.body.get("cwd") or Path.cwd()))
        root = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
        return root.name[:200] or None

    def _metadata(self) -> dict[str, str]:
        model = self._event.body.get("model")
        found = {"host": socket.gethostname(), "model": model if isinstance(model, str) else ""}
        return {name: value[:128] for name, value in found.items() if value}


def environment() -> dict[str, str]:
    """Return the variables that a hook needs and that are no secrets, for its command line."""
    return {
        name: os.environ[name] for name in ("API_URL", "API_AUTH", "AWS_PROFILE", "AWS_REGION") if os.environ.get(name)
    }
