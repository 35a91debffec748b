"""What each verb for owners sends and prints."""

import json

import httpx2
import pytest
from fake_service import AGENT_ID, OTHER_AGENT, Run, Service, session


def test_ps_lists_who_waits_first(run: Run, fleet: Service) -> None:
    status, out, _ = run("ps")

    lines = out.splitlines()
    assert status == 0
    assert lines[0].split() == ["AGENT", "STATE", "ACTIVITY", "REPORTED", "IDLE", "SINCE", "SESSION"]
    assert [line.split("  ")[0] for line in lines[1:]] == ["Claude - Project A", "Claude", "Codex"]
    assert "waiting" in lines[1]
    assert "[bold]tests[/bold]" in lines[2]


def test_ps_prints_the_sessions_of_the_api(run: Run, fleet: Service) -> None:
    status, out, _ = run("ps", "--json")

    assert (status, json.loads(out)) == (0, {"sessions": fleet.roster})


def test_ps_says_that_nobody_is_there(run: Run, service: Service) -> None:
    assert run("ps") == (0, "No agent is signed in.\n", "")


def test_agents_shows_who_is_blocked(run: Run, fleet: Service) -> None:
    _, out, _ = run("agents")

    assert "blocked" in next(line for line in out.splitlines() if line.startswith("Codex"))
    assert json.loads(run("agents", "--json")[1]) == {"agents": fleet.agents}


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("claude - project a", [2]),
        ("CLAUDE", [1]),
        ("codex", [3]),
        (OTHER_AGENT, [3]),
        ("d571b74a-ed1b-8fac-9c43-000000000002", [2]),
    ],
)
def test_stop_asks_the_sessions_of_the_target(run: Run, fleet: Service, target: str, asked: list[int]) -> None:
    status, out, _ = run("stop", target, "budget used up")

    calls = [each for each in fleet.calls if each.startswith("PATCH")]
    assert status == 0
    assert [int(each[-12:]) for each in calls] == asked
    assert fleet.body() == {"stop_requested": "budget used up"}
    assert out.startswith("Asked ")


def test_stop_can_be_withdrawn(run: Run, fleet: Service) -> None:
    assert run("stop", "Codex", "--withdraw")[0] == 0
    assert fleet.body() == {"stop_requested": None}


@pytest.mark.parametrize("arguments", [("stop", "Codex"), ("stop", "Codex", "why", "--withdraw")])
def test_stop_needs_a_reason_or_withdraw(run: Run, fleet: Service, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2
    assert fleet.calls == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("end", "d571"), "'d571' matches more than one live session"),
        (("end", "d57"), "no live session has the name 'd57'"),
        (("end", "Nobody"), "no live session has the name 'Nobody'"),
        (("block", "Nobody"), "no agent has the name 'Nobody'"),
    ],
)
def test_unknown_or_ambiguous_target_changes_nothing(
    run: Run, fleet: Service, arguments: tuple[str, ...], sentence: str
) -> None:
    status, _, err = run(*arguments)

    assert status == 3
    assert sentence in err
    assert {each.partition(" ")[0] for each in fleet.calls} == {"GET"}


def test_name_in_several_contexts_is_ambiguous(run: Run, fleet: Service) -> None:
    fleet.roster.append(session(4, agent_id=OTHER_AGENT, agent_name="Codex", context="B", display_name="Codex - B"))
    fleet.roster[2]["agent_id"] = AGENT_ID
    fleet.roster[2]["display_name"] = "Codex - A"

    status, _, err = run("end", "Codex")

    assert status == 3
    assert "Codex - A" in err
    assert "Codex - B" in err


def test_end_ends_the_session(run: Run, fleet: Service) -> None:
    assert run("end", "Codex")[:2] == (0, "Ended Codex (d571b74a).\n")
    assert len(fleet.roster) == 2


@pytest.mark.parametrize(("verb", "blocked"), [("block", True), ("unblock", False)])
def test_block_and_unblock_find_the_agent(run: Run, fleet: Service, verb: str, blocked: bool) -> None:
    status, out, _ = run(verb, "Codex", "--json")

    assert (status, json.loads(out)["agent_id"]) == (0, OTHER_AGENT)
    assert fleet.body() == {"blocked": blocked}


@pytest.mark.parametrize(
    ("left", "sentence"), [(0, "its sessions have ended"), (2, "2 of its sessions end within minutes")]
)
def test_block_tells_whether_sessions_are_left(run: Run, fleet: Service, left: int, sentence: str) -> None:
    fleet.agents[1]["active_sessions"] = left
    fleet.planned = [
        httpx2.Response(200, json={"agents": fleet.agents, "next": None}),
        httpx2.Response(200, json=fleet.agents[1]),
    ]

    assert run("block", "Codex")[:2] == (0, f"Blocked Codex; {sentence}.\n")
