"""Sessions and agents as tables, and the live screen of `ps --watch`."""

import time
from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent_sessions_client.client import Client
from agent_sessions_client.errors import AgentSessionsError
from agent_sessions_client.models import Agent, Session

REFRESH_SECONDS = 15
# How long the live screen shows a session that has ended.
ENDED_SHOWN = timedelta(seconds=60)
SHORT_ID = 8
STATES = {"working": ("●", "green"), "waiting": ("◐", "yellow"), "idle": ("○", "dim"), None: ("·", "dim")}

# Marks, embeddings, overrides and isolates of direction. The service refuses them in names, but not in what an agent
# reports: one of them could turn the rest of a line around, and a person would stop the wrong session.
DIRECTIONS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(timezone.utc)


def span(duration: timedelta) -> str:
    """Return a duration in its two largest units: `42s`, `5m 10s`, `3h 7m`, `2d 4h`."""
    seconds = max(0, int(duration.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    if minutes:
        return f"{minutes}m {seconds % 60}s"
    return f"{seconds}s"


def roster(sessions: Iterable[Session], at: datetime, ended: Iterable[Session] = ()) -> Table:
    """Return the table of sessions: those that wait for somebody first, then by name."""
    table = _table("AGENT", "STATE", "ACTIVITY", "REPORTED", "IDLE", "SINCE", "SESSION")
    order = {"waiting": 0, "working": 1, "idle": 2, None: 3}
    for each in sorted(sessions, key=lambda each: (order.get(each.state, 3), each.display_name, each.session_id)):
        mark, style = STATES.get(each.state, STATES[None])
        state = Text(f"{mark} {each.state or '-'}", style)
        activity = _text(each.activity or "")
        if each.stop_requested:
            state = Text("◌ stopping", "red")
            activity = _text(f"asked to stop: {each.stop_requested.reason}", "red")
        table.add_row(
            Text(each.display_name, "bold"),
            state,
            activity,
            span(at - each.progress_at) if each.progress_at else "-",
            span(at - each.last_active),
            span(at - each.created_at),
            Text(each.session_id[:SHORT_ID], "cyan"),
        )
    for each in sorted(ended, key=lambda each: each.display_name):
        reason = each.stop_requested.reason if each.stop_requested else ""
        mark = "■ stopped" if each.stop_requested else "■ ended"
        row = (each.display_name, mark, reason, "", "", span(at - each.created_at), each.session_id[:SHORT_ID])
        table.add_row(*map(_text, row), style="dim")
    return table


def agents(found: Iterable[Agent], at: datetime) -> Table:
    """Return the table of agents."""
    table = _table("AGENT", "BLOCKED", "LAST SEEN", "SINCE", "ID")
    for each in sorted(found, key=lambda each: each.display_name):
        blocked = Text("blocked", "red") if each.blocked else Text("")
        seen, since = span(at - each.last_active), span(at - each.created_at)
        table.add_row(Text(each.display_name, "bold"), blocked, f"{seen} ago", since, Text(each.agent_id, "cyan"))
    return table


def details(session: Session, at: datetime) -> Table:
    """Return one session, a field a line."""
    table = Table.grid(padding=(0, 2))
    fields = {
        "agent": session.display_name,
        "owner": session.owner,
        "state": session.state or "-",
        "activity": session.activity or "-",
        "stop requested": session.stop_requested.reason if session.stop_requested else "no",
        "signed in": f"{span(at - session.created_at)} ago",
        "ends": f"in {span(session.expires_at - at)} unless used, in {span(session.ends_at - at)} in any case",
        "agent_id": session.agent_id,
        "session_id": session.session_id,
    } | {f"metadata {name}": value for name, value in session.metadata.items()}
    for name, value in fields.items():
        table.add_row(Text(name, "dim"), _text(value))
    return table


@dataclass
class Screen:
    """What `ps --watch` shows; it keeps the last roster while the service does not respond."""

    sessions: dict[str, Session] = field(default_factory=dict)
    ended: dict[str, tuple[Session, datetime]] = field(default_factory=dict)
    read_at: datetime | None = None
    problem: str | None = None

    def read(self, client: Client, at: datetime) -> None:
        """Fetch the roster."""
        try:
            current = {each.session_id: each for each in client.sessions()}
        except AgentSessionsError as error:
            self.problem = str(error)
            return
        gone = {name: (each, at) for name, each in self.sessions.items() if name not in current}
        kept = {name: each for name, each in self.ended.items() if at - each[1] < ENDED_SHOWN and name not in current}
        self.ended = kept | gone
        self.sessions, self.read_at, self.problem = current, at, None

    def render(self, at: datetime) -> RenderableType:
        """Return the screen."""
        states = [each.state for each in self.sessions.values()]
        counts = ", ".join(f"{states.count(each)} {each}" for each in ("working", "waiting", "idle") if each in states)
        agents = {each.agent_id for each in self.sessions.values()}
        total = f"{_counted(agents, 'agent')}, {_counted(self.sessions, 'session')}"
        summary = f"{total}: {counts}" if counts else total
        table = roster(self.sessions.values(), at, [each for each, _ in self.ended.values()])
        age = f"read {span(at - self.read_at)} ago" if self.read_at else "not read yet"
        footer = Text(f"{age}, every {REFRESH_SECONDS} s. Ctrl-C ends this screen.", "dim")
        if self.problem:
            footer = Text(f"{age}. {self.problem}", "red")
        return Group(Text(summary), "", table, "", footer)


def _counted(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}" if len(things) == 1 else f"{len(things)} {noun}s"


def watch(client: Client, console: Console, sleep: Callable[[float], None] = time.sleep) -> None:
    """Show the roster until the user interrupts; times move every second, the roster every 15 seconds."""
    screen = Screen()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            screen.read(client, now())
            for _ in range(REFRESH_SECONDS):
                live.update(screen.render(now()), refresh=True)
                sleep(1)


def _text(text: str, style: str = "") -> Text:
    return Text(text.translate(DIRECTIONS), style)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    for name in columns:
        table.add_column(name, no_wrap=name != "ACTIVITY", overflow="ellipsis")
    return table
