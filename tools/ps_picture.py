"""Draws docs/ps.svg, the live screen of `agent-sessions ps --watch`: python -m tools.ps_picture."""

import io
import re
import sys
from datetime import datetime, timedelta
from typing import Any

from agent_sessions_client import Session
from agent_sessions_client.cli.screen import Screen
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from tools import ROOT

PATH = ROOT / "docs/ps.svg"
WIDTH = 118
NOW = datetime.fromisoformat("2026-11-27T15:30:09+00:00")
COLOURS = (
    "181a1f e06c75 98c379 e5c07b 61afef c678dd 56b6c2 d7dae0"  # black, red, green, yellow, blue, magenta, cyan, white
)
BLACK, *_, WHITE = PALETTE = [(each[0], each[1], each[2]) for each in map(bytes.fromhex, COLOURS.split())]
THEME = TerminalTheme(BLACK, WHITE, PALETTE)
# An image in a document can load nothing, such as rich's font.
REMOVED = re.compile(r"\s*@font-face \{.*?\}|\s*<!--.*?-->", re.DOTALL)


def session(
    number: int, agent_name: str, context: str | None, *, reported: int, idle: int, age: int, **fields: Any
) -> Session:
    """Return a session as the API shows it, reported, used and started so many seconds ago."""
    times = {"created_at": age, "progress_at": reported, "last_active": idle, "expires_at": -1800, "ends_at": -43200}
    return Session.parse(
        {
            "session_id": f"{number:08x}-ed1b-8fac-9c43-2cbcfb4e491d",
            "agent_id": f"{number:08x}-22d6-5680-ad8c-ab61cb190a6e",
            "owner": "public",
            "agent_name": agent_name,
            "context": context,
            "display_name": f"{agent_name} - {context}" if context else agent_name,
            "metadata": {},
            "state": None,
            "activity": None,
            "stop_requested": None,
        }
        | {name: (NOW - timedelta(seconds=seconds)).isoformat() for name, seconds in times.items()}
        | fields
    )


def screen() -> Screen:
    """Return the screen with four agents: one waits, two work, one has just stopped."""
    stop = {"reason": "its budget is used up", "at": (NOW - timedelta(seconds=70)).isoformat()}
    live = [
        session(
            0xD571B74A,
            "Claude Code",
            "website",
            reported=192,
            idle=192,
            age=2710,
            state="waiting",
            activity="for a permission",
        ),
        session(0x06212E70, "Codex", "payments", reported=4, idle=4, age=840, state="working", activity="using Bash"),
        session(
            0xA84D181E,
            "Nightly report",
            None,
            reported=860,
            idle=31,
            age=11160,
            state="working",
            activity="reading 40 tables",
        ),
    ]
    stopped = session(0x2A9C08D8, "Support triage", "Tickets", reported=95, idle=20, age=5520, stop_requested=stop)
    ended = {stopped.session_id: (stopped, NOW - timedelta(seconds=9))}
    return Screen({each.session_id: each for each in live}, ended, NOW - timedelta(seconds=9))


def draw() -> str:
    """Return the picture as SVG."""
    console = Console(width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(screen().render(NOW))
    drawn = console.export_svg(title="agent-sessions ps --watch", theme=THEME, unique_id="ps")
    lines = REMOVED.sub("", drawn).replace("Fira Code", "ui-monospace").splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(draw())
    sys.stdout.write(f"drew {PATH.relative_to(ROOT)}\n")
