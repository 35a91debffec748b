"""As many sessions as a busy agent and a busy account have, on DynamoDB Local."""

import random
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from agent_sessions.domain.models import Session
from agent_sessions.errors import InvalidSessionError
from agent_sessions.services.activity_report import Active, ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.presence import MAX_COUNT
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient, fill
from tests.support.length import by_length
from tests.support.samples import session
from tools.dynamodb.capacity_meter import Meter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE = by_length(2_000, 5_000)
# At half of SESSIONS each segment fills a page of a megabyte, so that pages of both halves have one size.
SOME, AGENTS, SESSIONS = by_length((1_000, 12_000, 40_000), (1_000, 30_000, 100_000))
SEGMENTS = 4  # as deployed
BATCH = 25
MEGABYTE = 2**20

# Coverage would double the time, and use memory.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


def numbered(agent_id: str, number: int, **changes: Any) -> Session:
    return session(number, agent_id=agent_id, agent_name="Busy", context=None, **changes)


class Latency:
    """A clock that moves only with the calls of one client, each of which takes this many seconds."""

    def __init__(self, client: "DynamoDBClient", seconds: float) -> None:
        self._seconds = seconds
        self.time = 0.0
        events: Any = client.meta.events
        events.register("before-call.dynamodb", self._pass)

    def __call__(self) -> float:
        return self.time

    def _pass(self, **_: Any) -> None:
        self.time += self._seconds


# The seconds that DynamoDB needs to end all sessions, in calls one after another: in 1 s, one request ends all.
@pytest.mark.parametrize(("batch_seconds", "requests"), [(1, 1), (4, 3)])
def test_agent_with_5000_live_sessions(
    sessions: SessionService,
    agents: AgentService,
    database: Database,
    frozen: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    batch_seconds: float,
    requests: int,
) -> None:
    made = sessions.sign_in(OWNER, "Busy")
    now, agent_id = frozen.time, made.session.agent_id
    times = {"expires_at": now + 1860, "incarnation": made.session.incarnation}
    live = [numbered(agent_id, 2 * number, last_active=now + number % 7, **times) for number in range(LIVE - 1)]
    # Some between them have expired, which no response may show.
    expired = times | {"expires_at": now}
    dead = [numbered(agent_id, 2 * number + 1, last_active=now + 9, **expired) for number in range(0, LIVE, 5)]
    fill(database, live + dead)
    database.count_sign_ins(agent_id, 2 * LIVE)
    everything = sorted([*live, made.session], key=lambda each: each.session_id)
    # From here on, every call takes a part of the time of its request.
    latency = Latency(database.client, batch_seconds * BATCH / LIVE)
    monkeypatch.setattr("agent_sessions.clock.monotonic", latency)

    presence = agents.get_agent(OWNER, agent_id)
    assert presence.capped
    assert MAX_COUNT <= presence.active_sessions < 2 * MAX_COUNT

    listed = list(pages(agents, agent_id))
    assert [len(page) for page in listed] == [100] * (LIVE // 100)
    assert [each for page in listed for each in page] == everything

    assert sessions.validate(made.session_token) == made.session
    meter = Meter(database.client)
    ended = [agents.end_all_sessions(OWNER, agent_id)]
    while ended[-1].more:
        ended.append(agents.end_all_sessions(OWNER, agent_id))
    assert len(ended) == requests
    assert sum(each.count for each in ended) == LIVE
    # The last batch of each page may be short.
    assert LIVE // BATCH <= meter.calls.count("BatchWriteItem") <= LIVE // BATCH + meter.calls.count("Query")
    presence = agents.get_agent(OWNER, agent_id)
    assert (presence.active_sessions, presence.capped) == (0, False)
    with pytest.raises(InvalidSessionError):
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


def test_report_over_100000_sessions_is_exact_in_constant_memory(
    sessions: SessionService,
    report: Callable[[int], ActivityReport],
    new_fast_client: NewClient,
    database: Database,
    frozen: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, writer = sessions.sign_in(OWNER, "Known"), new_fast_client()
    stored, meter = [known.session], Meter(database.client)
    made = sessions_of_many(frozen.time)

    def fill_up_to(count: int) -> None:
        more = made[len(stored) - 1 : count - 1]
        fill(database, more, writer)
        stored.extend(more)

    def peak(*, threads: int = SEGMENTS) -> int:
        """Return the peak memory of the report in bytes; fail unless it counts exactly."""
        monkeypatch.setattr(
            "agent_sessions.services.activity_report.ThreadPoolExecutor", lambda **_: ThreadPoolExecutor(threads)
        )
        live = [each for each in stored if each.is_live(frozen.time)]
        exact = Active(frozen.time, len(live), len({each.agent_id for each in live}))
        tracemalloc.start()
        active = report(SEGMENTS).count()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert active == exact
        return most

    def spent_on_validation() -> object:
        meter.reset()
        sessions.validate(known.session_token)
        return meter.spent

    fill_up_to(SOME)
    report(SEGMENTS).count()  # allocates what is allocated once
    some, spent = peak(), [spent_on_validation()]
    fill_up_to(SESSIONS // 2)
    half = peak(threads=1)
    fill_up_to(SESSIONS)
    whole, deployed = peak(threads=1), peak()
    spent.append(spent_on_validation())

    assert (len(stored), len({each.agent_id for each in stored})) == (SESSIONS, AGENTS)
    # One thread has one page at a time, so the result does not depend on how many pages coincide.
    assert whole - half < MEGABYTE / 4
    assert deployed - some < 10 * MEGABYTE
    assert spent == [(["GetItem"], 1, 0)] * 2


def sessions_of_many(now: int) -> list[Session]:
    """Return shuffled sessions of many agents: each has at least one, and some have many."""
    numbers = random.Random(AGENTS)  # noqa: S311  the same each time
    agent_ids = [str(uuid.UUID(int=numbers.randrange(2**128))) for _ in range(AGENTS - 1)]
    owners = agent_ids + [agent_ids[int(len(agent_ids) * numbers.random() ** 3)] for _ in range(SESSIONS - AGENTS)]
    numbers.shuffle(owners)
    return [
        numbered(
            agent_id,
            number,
            created_at=now,
            last_active=now,
            expires_at=now + numbers.choice([0, 1, 1]),
            ends_at=now + 43200,
        )
        for number, agent_id in enumerate(owners)
    ]
