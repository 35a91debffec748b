"""The roster of an owner with many agents: pages are bounded, advance, and together show each session once.

Also while the index lags: a sign-in that it does not show yet is missing, and nothing else.
"""

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import batched
from typing import TYPE_CHECKING, Any

import pytest

from agent_sessions.domain.models import MAX_PAGE, Agent, Session
from agent_sessions.dynamodb.items import number
from agent_sessions.dynamodb.transport import DynamoResponse, Request, Transport
from agent_sessions.services.roster import RosterService
from tests.conftest import FrozenClock
from tests.support.database import OTHER_OWNER, OWNER, Database, NewClient, fill
from tests.support.length import by_length
from tests.support.samples import session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AGENTS, ONLINE, DEAD = by_length((150, 15, 20), (10_000, 1_000, 20))
MAX_ENTRIES = 500  # as designed
LAG_SECONDS = 5

# To follow every line takes as long again.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


class Watched:
    """A transport that records what each call reads, and can show an index as it was."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.calls: list[str] = []
        self.entries = 0
        self.shown: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda entries: entries

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        response = self._transport(operation, request)
        self.calls.append(operation)
        if "IndexName" in request:
            self.entries += len(response["Items"])
            response["Items"] = self.shown(response["Items"])
        return response


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(database.tables().sessions.transport)


@pytest.fixture
def roster(database: Database, watched: Watched) -> RosterService:
    return RosterService(database.tables(watched), database.settings)


def agent_ids(count: int) -> list[str]:
    numbers = random.Random(count)  # noqa: S311  the same each time
    return [str(uuid.UUID(int=numbers.getrandbits(128), version=4)) for _ in range(count)]


def sessions_of(agent_id: str, now: int, *, live: int, owner: str = OWNER) -> Iterator[Session]:
    """Yield the sessions of an agent: some live, and dead ones of each kind."""
    numbers = random.Random(agent_id)  # noqa: S311  the same each time
    for place in range(live + DEAD):
        # Unused too long, or beyond its lifetime.
        times = {"expires_at": now} if place % 2 else {"expires_at": now, "ends_at": now}
        yield session(
            1,
            agent_id=agent_id,
            session_id=str(uuid.UUID(int=numbers.getrandbits(128), version=4)),
            owner=owner,
            created_at=now - 3600,
            **({} if place < live else times),
        )


def fill_agents(database: Database, client: "DynamoDBClient", ids: Iterable[str], owner: str = OWNER) -> None:
    for batch in batched(ids, 25, strict=False):
        items = [
            {
                "agent_id": {"S": agent_id},
                "owner": {"S": owner},
                "identity_key": {"S": f"{agent_id}:default"},
                "agent_name": {"S": agent_id},
                "created_at": number(1),
                "last_active": number(1),
            }
            for agent_id in batch
        ]
        requests: list[Any] = [{"PutRequest": {"Item": item}} for item in items]
        assert not client.batch_write_item(RequestItems={database.settings.agents_table: requests})["UnprocessedItems"]


def session_pages(roster: RosterService, watched: Watched, limit: int = MAX_PAGE) -> Iterator[tuple[Session, ...]]:
    """Read all pages of the roster; fail if one is not bounded or does not advance."""
    position: tuple[str, str] | None = None
    seen: set[tuple[str, str] | None] = {None}
    while True:
        watched.calls, watched.entries = [], 0
        page = roster.list_sessions(OWNER, limit=limit, after=position)
        assert watched.entries <= MAX_ENTRIES
        assert len(watched.calls) <= 2 * MAX_ENTRIES // 100
        assert len(page.sessions) <= limit
        yield page.sessions
        if page.next is None:
            return
        agent_id, _, session_id = page.next.partition("/")
        position = agent_id, session_id
        assert position not in seen
        seen.add(position)


def agent_pages(roster: RosterService, watched: Watched) -> Iterator[tuple[Agent, ...]]:
    """Read all pages of the list of agents; fail if one is not bounded or does not advance."""
    position: str | None = None
    while True:
        watched.calls = []
        page = roster.list_agents(OWNER, after=position)
        assert watched.calls == ["Query", "BatchGetItem"][: 2 if page.agents else 1]
        assert len(page.agents) <= MAX_PAGE
        yield page.agents
        if page.next is None:
            return
        assert position is None or page.next > position
        position = page.next


@pytest.mark.parametrize("limit", by_length((MAX_PAGE, 7), (MAX_PAGE,)))
def test_roster_shows_every_live_session_once(
    database: Database,
    new_fast_client: NewClient,
    roster: RosterService,
    watched: Watched,
    frozen: FrozenClock,
    limit: int,
) -> None:
    writer, ids = new_fast_client(), agent_ids(AGENTS)
    # Between them lie those of another owner.
    ours, theirs = ids[: -AGENTS // 10], ids[-AGENTS // 10 :]
    made = [each for place, of in enumerate(ours) for each in sessions_of(of, frozen.time, live=int(place < ONLINE))]
    fill(database, made, writer)
    fill(database, (each for of in theirs for each in sessions_of(of, frozen.time, live=1, owner=OTHER_OWNER)), writer)

    listed = [each for page in session_pages(roster, watched, limit) for each in page]

    live = {each.session_id for each in made if each.is_live(frozen.time)}
    assert len(live) == ONLINE
    assert len(listed) == ONLINE, "each once"
    assert {each.session_id for each in listed} == live
    assert [each.agent_id for each in listed] == sorted(each.agent_id for each in listed)


def test_roster_shows_every_agent_once(
    database: Database, new_fast_client: NewClient, roster: RosterService, watched: Watched
) -> None:
    ids = agent_ids(AGENTS)
    fill_agents(database, new_fast_client(), ids)
    fill_agents(database, new_fast_client(), agent_ids(25), OTHER_OWNER)

    listed = [each.agent_id for page in agent_pages(roster, watched) for each in page]

    assert listed == sorted(ids)


def test_roster_misses_only_what_a_lagging_index_does_not_show(
    database: Database, roster: RosterService, watched: Watched, frozen: FrozenClock
) -> None:
    now = frozen.time
    old = [each for agent_id in agent_ids(20) for each in sessions_of(agent_id, now, live=3)]
    live = [each for each in old if each.is_live(now)]
    young = [
        session(agent_id=each.agent_id, session_id=str(uuid.uuid5(uuid.NAMESPACE_OID, each.session_id)), created_at=now)
        for each in live
    ]
    ended = {(each.agent_id, each.session_id) for each in live[::4]}
    fill(database, old + young)

    def lag(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Show no entry of the last seconds, and entries of sessions that are deleted by now."""
        shown = [each for each in entries if int(each["created_at"]["N"]) <= now - LAG_SECONDS]
        keys = [(each["agent_id"]["S"], each["session_id"]["S"]) for each in shown]
        database.tables().sessions.delete_sessions(key for key in keys if key in ended)
        return shown

    watched.shown = lag
    listed = [each for page in session_pages(roster, watched, limit=7) for each in page]

    assert len(listed) == len(live) - len(ended)
    assert {(each.agent_id, each.session_id) for each in listed} | ended == {
        (each.agent_id, each.session_id) for each in live
    }
