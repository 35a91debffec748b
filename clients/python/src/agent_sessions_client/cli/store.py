"""Keeps session tokens between two commands: a file per session that only its user can read."""

import json
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from agent_sessions_client.exchange import Secret

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class LabelError(ValueError):
    """A label cannot be the name of a file."""

    def __init__(self) -> None:
        super().__init__("a label has 1 to 100 letters, digits, dots, hyphens and underscores")


@dataclass
class Stored:
    """A session of this machine.

    Attributes:
        url: URL of the service.
        session_token: The secret.
        ends_at: When the session ends in any case (RFC 3339).
        reported: What was last reported, by the clock of this machine: state and epoch seconds.
    """

    url: str
    session_token: Secret
    ends_at: str
    reported: tuple[str, float] = ("", 0.0)


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where sessions are stored (XDG Base Directory Specification)."""
    base = environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "agent-sessions"


def load(label: str) -> Stored | None:
    """Return a session, or None if there is none, or if its file is damaged; raises LabelError."""
    path = _path(label)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Stored(
            stored["url"],
            Secret(stored["session_token"]),
            stored["ends_at"],
            (stored["reported"][0], stored["reported"][1]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def save(label: str, stored: Stored) -> None:
    """Write a session; a reader sees the old file or the new one, whole."""
    path = _path(label)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp creates files with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(stored), file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def delete(label: str) -> None:
    """Forget a session."""
    _path(label).unlink(missing_ok=True)


def delete_ended(now: datetime) -> None:
    """Forget the sessions whose lifetime is over, such as those of programs that were killed."""
    for path in folder().glob("*.json"):
        with suppress(ValueError):  # not a file of ours, or damaged
            stored = load(path.stem)
            if stored and datetime.fromisoformat(stored.ends_at.replace("Z", "+00:00")) < now:
                path.unlink(missing_ok=True)


def _path(label: str) -> Path:
    if not LABEL.fullmatch(label):
        raise LabelError
    return folder() / f"{label}.json"
