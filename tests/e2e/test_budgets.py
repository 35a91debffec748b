"""Database calls and consumed capacity of every operation, on an emulator that reports capacity."""

from collections.abc import Callable
from typing import Any

import pytest

from agent_sessions import clock
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from tests.conftest import FrozenClock
from tests.e2e.conftest import Api
from tests.support.database import client_of
from tools.dynamodb.capacity_meter import Meter

OWNER = "iam:arn:aws:iam::111122223333:user/ada"


@pytest.fixture
def services(
    api: Api, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[SessionService, AgentService]:
    settings = Settings(agents_table=api.outputs["AgentsTableName"], sessions_table=api.outputs["SessionsTableName"])
    # A client with long timeouts, and no deadline: on a busy machine the emulator is slow.
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
    tables = Tables.over(BotocoreTransport(aws("dynamodb")), settings)
    return SessionService(tables, settings), AgentService(tables, settings)


@pytest.fixture
def meter(services: tuple[SessionService, AgentService]) -> Meter:
    return Meter(client_of(services[0].tables))


def test_operation_keeps_its_budget(
    services: tuple[SessionService, AgentService], meter: Meter, frozen: FrozenClock, request: pytest.FixtureRequest
) -> None:
    sessions, agents = services
    frozen.time = 1_900_000_200 // 300 * 300  # the start of a last-seen interval
    name, context = "Budget" * 10, "context " * 20

    created = sessions.sign_in(OWNER, name, context)
    assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 5)

    meter.reset()
    known = sessions.sign_in(OWNER, name, context)
    assert known.reused
    assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 3)

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
    assert meter.spent == (["DeleteItem", "UpdateItem"], 0, 3)

    meter.reset()
    with pytest.raises(Exception, match="Invalid or expired session"):
        sessions.validate("malformed")
    assert meter.spent == ([], 0, 0)

    sessions.sign_out(created.session_token)


def test_report_reads_at_half_price(services: tuple[SessionService, AgentService], meter: Meter) -> None:
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
    # Half a unit for each started 4 KB that a segment reads; an item is under 1 KB.
    assert read <= found / 4 / 2 + 4 * 0.5
