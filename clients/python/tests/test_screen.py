"""The live screen of `agent-sessions ps --watch`."""

import io
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fake_service import LOCAL_URL, Run, Service, problem, session
from rich.console import Console

from agent_sessions_client import Client, Session
from agent_sessions_client.cli import screen


def test_watch_needs_a_terminal(run: Run, fleet: Service) -> None:
    status, _, err = run("ps", "--watch")

    assert (status, fleet.calls) == (2, [])
    assert "--watch needs a terminal" in err


def test_watch_writes_a_line_of_json_every_15_seconds(run: Run, fleet: Service, pauses: list[float]) -> None:
    empty = httpx2.Response(200, json={"sessions": [], "next": None})
    fleet.planned = [empty, empty, problem(500, "InternalError")]

    status, out, _ = run("ps", "--watch", "--json")

    assert (status, out) == (1, '{"sessions": []}\n' * 2)
    assert pauses == [15, 15]


def test_watch_reads_every_15_seconds_and_moves_times_every_second(thread_client: Client, fleet: Service) -> None:
    ticks: list[float] = []

    def tick(seconds: float) -> None:
        ticks.append(seconds)
        if len(ticks) == 31:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        screen.watch(thread_client, Console(file=io.StringIO(), force_terminal=True), tick)

    assert fleet.calls == ["GET /sessions"] * 3
    assert set(ticks) == {1}


@pytest.fixture
def thread_client(service: Service) -> Client:
    return Client(LOCAL_URL, http_client=httpx2.Client(transport=httpx2.MockTransport(service), trust_env=False))


def text(shown: Any) -> str:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_stuck_agent_is_in_use_but_has_not_reported() -> None:
    at = screen.now()
    used, reported = (at - timedelta(seconds=3)).isoformat(), (at - timedelta(hours=2)).isoformat()
    stuck = Session.parse(session(state="working", last_active=used, progress_at=reported))

    shown = text(screen.roster([stuck], at))

    assert "2h 0m" in shown
    assert " 3s " in shown


def test_screen_shows_an_ended_session_for_a_minute(thread_client: Client, fleet: Service) -> None:
    client, shown, at = thread_client, screen.Screen(), screen.now()
    shown.read(client, at)
    fleet.roster[1]["stop_requested"] = {"reason": "enough", "at": "2026-11-22T16:20:00Z"}
    shown.read(client, at)
    assert "asked to stop: enough" in text(shown.render(at))
    assert "[bold]tests[/bold]" in text(shown.render(at))

    del fleet.roster[1]
    shown.read(client, at)
    assert "■ stopped" in text(shown.render(at))
    assert "2 agents, 2 sessions: 1 working" in text(shown.render(at))

    shown.read(client, at + screen.ENDED_SHOWN)
    assert "Project A" not in text(shown.render(at))

    del fleet.roster[1]
    shown.read(client, at)
    assert "1 agent, 1 session: 1 working" in text(shown.render(at))


def test_screen_keeps_the_last_roster_during_an_outage(thread_client: Client, fleet: Service) -> None:
    client, shown, at = thread_client, screen.Screen(), screen.now()
    shown.read(client, at)
    fleet.planned = [problem(503, "DatabaseError")] * 5

    shown.read(client, at)

    assert "Codex" in text(shown.render(at))
    assert "DatabaseError" in text(shown.render(at))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0s"), (59, "59s"), (60, "1m 0s"), (3599, "59m 59s"), (3600, "1h 0m"), (86400, "1d 0h"), (200_000, "2d 7h")],
)
def test_span_has_two_units(seconds: int, shown: str) -> None:
    assert screen.span(timedelta(seconds=seconds)) == shown


def test_text_of_an_agent_cannot_turn_the_line_around() -> None:
    turned = "\u202ereport\u2066\u200f"
    stop = {"reason": turned, "at": "2026-11-22T16:20:00Z"}
    sessions = [
        Session.parse(session(1, activity=turned, metadata={"model": turned})),
        Session.parse(session(2, stop_requested=stop)),
    ]

    shown = text(screen.roster(sessions, screen.now(), ended=sessions[1:])) + "".join(
        text(screen.details(each, screen.now())) for each in sessions
    )

    assert shown.count("report") == 6
    assert not set(shown) & {"\u202e", "\u2066", "\u200f"}
