"""As many sessions as a busy agent and a busy account have, on Amazon's engine."""

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent_sessions.agents import AgentService
from agent_sessions.errors import SessionError
from agent_sessions.models import Ended, Presence, Session
from agent_sessions.report import ActivityReport
from agent_sessions.service import SessionService
from tests.conftest import FrozenClock
from tests.engine.conftest import OWNER, Database, NewClient, fill
from tools.meter import Meter

LIVE = 2_000
AGENTS, SESSIONS = 6_000, 20_000


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


def numbered(agent_id: str, number: int, **times: Any) -> Session:
    return Session(
        agent_id=agent_id,
        session_id=str(uuid.UUID(int=number)),
        owner=OWNER,
        agent_name="Busy",
        context=None,
        sign_in_number=number,
        **times,
    )


def test_an_agent_with_2000_live_sessions(
    sessions: SessionService, agents: AgentService, database: Database, frozen: FrozenClock
) -> None:
    made = sessions.sign_in(OWNER, "Busy")
    now, agent_id = frozen.time, made.session.agent_id
    times = {"created_at": now, "expires_at": now + 1860, "ends_at": now + 43200}
    live = [numbered(agent_id, 2 * number, last_active=now + number % 7, **times) for number in range(LIVE - 1)]
    # Between any two live ones one that has expired, which no answer may show.
    dead = [
        numbered(agent_id, 2 * number + 1, last_active=now + 9, **times | {"expires_at": now}) for number in range(LIVE)
    ]
    fill(database, live + dead)
    everything = sorted([*live, made.session], key=lambda each: each.session_id)

    presence = agents.get_agent(OWNER, agent_id)
    assert presence == Presence(presence.agent, LIVE, now + 6)

    listed = list(pages(agents, agent_id))
    assert [len(page) for page in listed] == [100] * (LIVE // 100)
    assert [each for page in listed for each in page] == everything

    assert sessions.validate(made.session_token) == made.session
    meter = Meter(database.client)
    assert agents.end_all_sessions(OWNER, agent_id) == Ended(LIVE, more=False)
    assert meter.calls.count("BatchWriteItem") == LIVE // 25
    assert agents.get_agent(OWNER, agent_id) == Presence(agents.get_agent(OWNER, agent_id).agent, 0, now + 6)
    with pytest.raises(SessionError):
        sessions.validate(made.session_token)


def pages(agents: AgentService, agent_id: str) -> Iterator[tuple[Session, ...]]:
    """Read all pages of 100."""
    after = None
    while True:
        page = agents.list_sessions(OWNER, agent_id, after=after)
        yield page.sessions
        if page.next is None:
            return
        after = page.next


def test_the_report_over_20000_sessions_of_6000_agents_is_exact(
    report: Callable[[int], ActivityReport], database: Database, frozen: FrozenClock
) -> None:
    numbers = random.Random(6000)  # noqa: S311  the same each time
    agent_ids = [str(uuid.UUID(int=numbers.randrange(2**128))) for _ in range(AGENTS)]
    now = frozen.time
    made = [
        numbered(
            # Each agent has one at least, and some have many.
            agent_ids[number] if number < AGENTS else agent_ids[int(AGENTS * numbers.random() ** 3)],
            number,
            created_at=now,
            last_active=now,
            expires_at=now + numbers.choice([0, 1, 1]),
            ends_at=now + 43200,
        )
        for number in range(SESSIONS)
    ]
    fill(database, made)
    live = [each for each in made if each.expires_at > now]
    meter = Meter(database.client)

    active = report(4).count()

    assert (active.sessions, active.agents) == (len(live), len({each.agent_id for each in live}))
    assert meter.calls.count("Scan") > 4, "some segments take more than a page"
