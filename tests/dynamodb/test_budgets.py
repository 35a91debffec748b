"""The calls and the consumed capacity of every operation, as Amazon's engine counts them: the budgets of the design."""

import pytest

from agent_sessions.domain.models import SignedIn
from agent_sessions.errors import InvalidSessionError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient
from tools.dynamodb.capacity_meter import Meter

# The longest that Latin letters make: each write is one unit only while the item stays under 1 KB.
NAME, CONTEXT = "n" * 100, "c" * 200


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


@pytest.fixture
def meter(database: Database) -> Meter:
    return Meter(database.client)


@pytest.fixture
def known(sessions: SessionService, frozen: FrozenClock, meter: Meter) -> SignedIn:
    """An agent that signed in at the beginning of five minutes; nothing is metered yet."""
    assert frozen.time % 300 == 0
    signed_in = sessions.sign_in(OWNER, NAME, CONTEXT)
    meter.reset()
    return signed_in


def test_sign_in_of_a_new_agent(sessions: SessionService, meter: Meter) -> None:
    assert not sessions.sign_in(OWNER, NAME, CONTEXT).reused
    # The engine charges nothing for a Query that finds nothing; AWS half a unit.
    assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0, 2 + 1)


def test_sign_in_of_a_known_agent(sessions: SessionService, known: SignedIn, meter: Meter) -> None:
    assert sessions.sign_in(OWNER, NAME, CONTEXT).reused
    assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 2)


def test_validate(sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
    frozen.tick(59)
    sessions.validate(known.session_token)
    assert meter.spent == (["GetItem"], 1, 0)


def test_validate_that_touches(sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
    frozen.tick(60)
    sessions.validate(known.session_token)
    assert meter.spent == (["GetItem", "UpdateItem"], 1, 1)


def test_validate_that_touches_first_in_five_minutes(
    sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock
) -> None:
    frozen.tick(300)
    sessions.validate(known.session_token)
    assert meter.spent == (["GetItem", "UpdateItem", "UpdateItem"], 1, 2)


def test_sign_out(sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
    frozen.tick(1)
    sessions.sign_out(known.session_token)
    assert meter.spent == (["DeleteItem", "UpdateItem"], 0, 2)


@pytest.mark.parametrize("token", ["", "malformed", "A" * 42 + "B"])
def test_a_malformed_token(sessions: SessionService, meter: Meter, token: str) -> None:
    for use in (sessions.validate, sessions.sign_out):
        with pytest.raises(InvalidSessionError):
            use(token)
    assert meter.spent == ([], 0, 0)


# Strongly consistent reads: a unit for the agent, and one for each 4 KB of its sessions.
@pytest.mark.parametrize(("live", "read"), [(1, 2), (5, 2), (9, 3)])
def test_an_agent_with_presence(
    sessions: SessionService, agents: AgentService, known: SignedIn, meter: Meter, live: int, read: int
) -> None:
    for _ in range(live - 1):
        sessions.sign_in(OWNER, NAME, CONTEXT)
    meter.reset()

    assert agents.get_agent(OWNER, known.session.agent_id).active_sessions == live
    assert meter.spent == (["GetItem", "Query"], read, 0)


def test_the_report_is_linear_at_half_price(sessions: SessionService, database: Database, meter: Meter) -> None:
    tables, read = database.tables(), []
    for count in (100, 200):
        for number in range(100):
            sessions.sign_in(OWNER, f"{count} {number}")
        meter.reset()
        pages = [
            page
            for segment in range(4)
            for page in tables.sessions.live_session_agents(now=0, segment=segment, segments=4)
        ]
        assert sum(map(len, pages)) == count
        calls, units, written = meter.spent
        assert (calls, written) == (["Scan"] * 4, 0)
        read.append(units)

    # Half a unit for each 4 KB, begun ones counted whole in each of 4 segments; an item has some 300 bytes.
    assert all(
        count * 300 / 4096 / 2 * 0.5 <= units <= count * 300 / 4096 / 2 + 4 * 0.5
        for count, units in zip((100, 200), read, strict=True)
    ), read
    assert read[1] <= 2 * read[0]
