"""The calls and the consumed capacity of every operation, on a DynamoDB that reports it, against the design's table."""

from collections.abc import Callable
from typing import Any

import pytest

from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.e2e.conftest import Api
from tests.support.database import client_of
from tools.dynamodb.capacity_meter import Meter

OWNER = "iam:arn:aws:iam::111122223333:user/ada"


@pytest.fixture
def services(
    api: Api, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[SessionService, AgentService]:
    monkeypatch.setenv("AGENTS_TABLE", api.outputs["AgentsTableName"])
    monkeypatch.setenv("SESSIONS_TABLE", api.outputs["SessionsTableName"])
    return SessionService.from_environment(), AgentService.from_environment()


@pytest.fixture
def meter(services: tuple[SessionService, AgentService]) -> Meter:
    return Meter(*(client_of(service.tables) for service in services))


def test_every_operation_keeps_its_budget(
    services: tuple[SessionService, AgentService], meter: Meter, frozen: FrozenClock, request: pytest.FixtureRequest
) -> None:
    sessions, agents = services
    frozen.time = 1_900_000_200 // 300 * 300  # the beginning of five minutes
    name, context = "Budget" * 10, "context " * 20

    created = sessions.sign_in(OWNER, name, context)
    assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 3)

    meter.reset()
    known = sessions.sign_in(OWNER, name, context)
    assert known.reused
    assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 2)

    meter.reset()
    sessions.validate(known.session_token)
    assert meter.spent == (["GetItem"], 1, 0)

    meter.reset()
    frozen.tick(60)
    sessions.validate(known.session_token)
    assert meter.spent == (["GetItem", "UpdateItem"], 1, 1)

    meter.reset()
    frozen.tick(240)
    sessions.validate(known.session_token)
    assert meter.spent == (["GetItem", "UpdateItem", "UpdateItem"], 1, 2)

    meter.reset()
    agents.get_agent(OWNER, known.session.agent_id)
    assert meter.spent == (["GetItem", "Query"], 2, 0)

    meter.reset()
    frozen.tick(1)
    sessions.sign_out(known.session_token)
    assert meter.spent == (["DeleteItem", "UpdateItem"], 0, 2)

    meter.reset()
    with pytest.raises(Exception, match="Invalid or expired session"):
        sessions.validate("malformed")
    assert meter.spent == ([], 0, 0)

    sessions.sign_out(created.session_token)


def test_the_report_reads_at_half_price_and_in_proportion(
    services: tuple[SessionService, AgentService], meter: Meter
) -> None:
    sessions, agents = services
    tables = agents.tables
    for number in range(40):
        sessions.sign_in(OWNER, f"Scanned {number}")
    meter.reset()

    pages = [
        page for segment in range(4) for page in tables.sessions.live_session_agents(now=0, segment=segment, segments=4)
    ]

    found = sum(len(page) for page in pages)
    calls, read, written = meter.spent
    assert calls == ["Scan"] * 4
    assert written == 0
    # Half a unit for each 4 KB that a segment reads, begun ones counted whole; an item is under 1 KB.
    assert read <= found / 4 / 2 + 4 * 0.5
