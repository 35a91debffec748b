"""No route fails, whatever lies in a partition, with the processor of a function of 512 MB and slow calls.

Lists and ends return what fits into the time of a request, and advance; a request that cannot finish says so and
leaves nothing behind.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions import clock
from agent_sessions.audit import AuditEntry
from agent_sessions.domain.models import Ended, Presence, Session
from agent_sessions.errors import DatabaseError, InvalidSessionError, NotFoundError
from agent_sessions.services import ending
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.dynamodb.piles import NAME, Pile, pile
from tests.support.database import OWNER, Database, NewClient, fill
from tests.support.length import by_length
from tests.support.samples import session as sample
from tools.dynamodb.function_time import FunctionTime

# Live and dead sessions, and the seconds of each call to DynamoDB. Calls that take longer make the short runs,
# with fewer sessions, run out of time as well.
PILES = by_length(
    {"expired": (3, 1100, 0.2), "live": (1050, 0, 0.2), "fast": (100, 0, 0.005)},
    {"expired": (3, 20_000, 0.02), "live": (20_000, 0, 0.005), "slow": (5_000, 0, 0.02)},
)

MAX_COUNT, MAX_DELETIONS = 1000, 50  # as designed

# To follow every line takes as long again.
pytestmark = pytest.mark.no_cover

type Function = tuple[SessionService, AgentService, RosterService]


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


@pytest.fixture(params=PILES)
def function_time(request: pytest.FixtureRequest) -> FunctionTime:
    return FunctionTime(PILES[request.param][2])


@pytest.fixture
def made(
    request: pytest.FixtureRequest,
    function_time: FunctionTime,
    database: Database,
    new_fast_client: NewClient,
    frozen: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Pile:
    live, dead, _ = PILES[request.node.callspec.params["function_time"]]
    made = pile(database, new_fast_client, live=live, dead=dead, now=frozen.time)
    monkeypatch.setattr(clock, "monotonic", function_time)
    return made


@pytest.fixture
def function(database: Database, function_time: FunctionTime) -> Function:
    tables = database.tables(function_time.over(database.tables().sessions.transport))
    settings = database.settings
    return SessionService(tables, settings), AgentService(tables, settings), RosterService(tables, settings)


@pytest.fixture
def left(database: Database, made: Pile) -> Callable[[], list[Session]]:
    """Reads the live sessions of the agent without the function."""

    def read() -> list[Session]:
        now = made.made.session.created_at
        pages = database.tables().sessions.live_sessions_of(made.agent_id, now=now, limit=1000)
        return [session for page, _ in pages for session in page]

    return read


def test_presence_and_lists_are_bounded(function: Function, function_time: FunctionTime, made: Pile) -> None:
    _, agents, roster = function
    with function_time.request():
        presence = agents.get_agent(OWNER, made.agent_id)
    assert presence.active_sessions == min(len(made.live), MAX_COUNT)
    assert presence.capped == (len(made.live) > MAX_COUNT)

    listed: list[Session] = []
    after = None
    while True:
        with function_time.request():
            page = agents.list_sessions(OWNER, made.agent_id, after=after)
        listed += page.sessions
        if page.next is None:
            break
        assert after is None or page.next > after
        after = page.next
    assert listed == made.live

    found: list[Session] = []
    position: tuple[str, str] | None = None
    while True:
        with function_time.request():
            page = roster.list_sessions(OWNER, after=position)
        found += page.sessions
        if page.next is None:
            break
        agent_id, _, session_id = page.next.partition("/")
        assert position != (agent_id, session_id)
        position = agent_id, session_id
    assert sorted(found, key=lambda each: each.session_id) == made.live


def test_sign_in_and_validation_take_no_longer_than_elsewhere(
    function: Function, function_time: FunctionTime, made: Pile, left: Callable[[], list[Session]]
) -> None:
    sessions, _, _ = function
    with function_time.request():
        new = sessions.sign_in(OWNER, NAME)
    # It swept as many as fit into the time of the request, and at most 50.
    assert function_time.calls[:5] == ["Query", "UpdateItem", "PutItem", "UpdateItem", "Query"]
    assert set(function_time.calls[5:]) == {"DeleteItem"}
    assert len(function_time.calls[5:]) <= MAX_DELETIONS
    assert new.session in left()

    function_time.calls.clear()
    with function_time.request():
        assert sessions.validate(new.session_token) == new.session
    assert function_time.calls == ["GetItem"]


def test_exclusive_sign_in_succeeds_or_leaves_nothing(
    function: Function, function_time: FunctionTime, made: Pile, left: Callable[[], list[Session]]
) -> None:
    sessions, _, _ = function
    before = len(made.live)
    while True:
        try:
            with function_time.request():
                new = sessions.sign_in(OWNER, NAME, exclusive=True)
            break
        except DatabaseError:
            remaining = left()
            # Its own session is not among them, and the next attempt has less to do.
            assert all(each.sign_in_number <= made.stored for each in remaining)
            assert len(remaining) < before
            before = len(remaining)
    assert left() == [new.session]
    with pytest.raises(InvalidSessionError):
        sessions.validate(made.made.session_token)


def test_end_all_ends_what_fits(
    function: Function, function_time: FunctionTime, made: Pile, left: Callable[[], list[Session]]
) -> None:
    _, agents, _ = function
    ended, more = 0, True
    while more:
        with function_time.request():
            outcome = agents.end_all_sessions(OWNER, made.agent_id)
        assert outcome.count > 0 or not outcome.more
        ended, more = ended + outcome.count, outcome.more
    assert ended == len(made.live)
    assert left() == []


def test_block_and_delete_finish_by_repetition(
    function: Function, function_time: FunctionTime, made: Pile, left: Callable[[], list[Session]]
) -> None:
    _, agents, _ = function
    before = len(made.live) + 1
    presence: Presence | None = None
    while presence is None or presence.capped:
        with function_time.request():
            presence = agents.block(OWNER, made.agent_id)
        assert presence.agent.blocked
        assert len(left()) < before
        before = len(left())
    assert presence.active_sessions == before == 0
    with function_time.request():
        agents.delete(OWNER, made.agent_id)
    with pytest.raises(NotFoundError):
        agents.get_agent(OWNER, made.agent_id)


def test_delete_says_that_it_has_not_finished(
    function: Function, function_time: FunctionTime, made: Pile, left: Callable[[], list[Session]]
) -> None:
    _, agents, _ = function
    before = len(made.live) + 1
    while True:
        try:
            with function_time.request():
                agents.delete(OWNER, made.agent_id)
            break
        except DatabaseError:
            assert agents.tables.agents.get_agent(made.agent_id) is not None
            assert len(left()) < before
            before = len(left())
    assert left() == []
    assert agents.tables.agents.get_agent(made.agent_id) is None


def test_signing_an_owner_out_deletes_every_session(
    function: Function, function_time: FunctionTime, made: Pile, database: Database
) -> None:
    _, _, roster = function
    ended, more = 0, True
    before = made.stored
    while more:
        with function_time.request():
            outcome = roster.end_all_sessions(OWNER)
        ended, more = ended + outcome.count, outcome.more
        remaining = stored(database)
        assert remaining < before or (remaining == 0 and not more)
        before = remaining
    assert ended == len(made.live)
    assert before == 0


def test_sign_out_of_an_owner_that_runs_out_of_time_amid_a_page_counts_what_it_deleted(
    database: Database, new_fast_client: NewClient, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pile(database, new_fast_client, live=200, dead=0, now=frozen.time)
    function_time, audited = FunctionTime(1.0), list[AuditEntry]()
    monkeypatch.setattr(clock, "monotonic", function_time)
    tables = database.tables(function_time.over(database.tables().sessions.transport))

    ended = RosterService(tables, database.settings, audit=audited.append).end_all_sessions(OWNER)

    assert ended.more
    assert 0 < ended.count == made.stored - stored(database)
    assert [len(each.session_ids) for each in audited] == [ended.count]


def stored(database: Database) -> int:
    pages = database.client.get_paginator("scan").paginate(
        TableName=database.settings.sessions_table, Select="COUNT", ConsistentRead=True
    )
    return sum(page["Count"] for page in pages)


# So many dead sessions that no request can read them all; in short runs by smaller pages and slower calls.
DEAD, PAGE, CALL_SECONDS = by_length((600, 100, 0.6), (30_000, 1000, 0.06))


@pytest.mark.parametrize(
    ("action", "died"),
    [("end all", "expired"), ("end all", "before the cutoff"), ("exclusive", "expired"), ("delete", "expired")],
)
def test_more_dead_sessions_than_a_request_can_read_delay_an_end(
    database: Database,
    new_fast_client: NewClient,
    frozen: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    died: str,
) -> None:
    monkeypatch.setattr("agent_sessions.services.ending.READ_LIMIT", PAGE)
    monkeypatch.setattr("agent_sessions.services.presence.MAX_COUNT", PAGE)
    monkeypatch.setattr("agent_sessions.services.agents.READ_LIMIT", PAGE // 2)
    times = None
    if died == "before the cutoff":
        database = replace(database, settings=replace(database.settings, sessions_not_before=frozen.time - 60))
        times = {"created_at": frozen.time - 61}
    made = pile(database, new_fast_client, live=3, dead=DEAD, now=frozen.time, times=times)
    # A count and a list may take longer than an end, which reserves time for deletions.
    slow = FunctionTime(2 * CALL_SECONDS)
    monkeypatch.setattr(clock, "monotonic", slow)
    tables = database.tables(slow.over(database.tables().sessions.transport))
    agents, roster = AgentService(tables, database.settings), RosterService(tables, database.settings)
    with slow.request():
        presence = agents.get_agent(OWNER, made.agent_id)
    assert presence.capped
    with slow.request():
        page = agents.list_sessions(OWNER, made.agent_id)
    assert page.next is not None
    with slow.request():
        page = roster.list_sessions(OWNER)
    assert page.next is not None

    function_time = FunctionTime(CALL_SECONDS)
    monkeypatch.setattr(clock, "monotonic", function_time)
    tables = database.tables(function_time.over(database.tables().sessions.transport))
    sessions, agents = SessionService(tables, database.settings), AgentService(tables, database.settings)
    finished = False
    while not finished:
        function_time.calls.clear()
        # Only what has no way to say that it is unfinished fails.
        with function_time.request(), suppress(*() if action == "end all" else (DatabaseError,)):
            if action == "end all":
                finished = not agents.end_all_sessions(OWNER, made.agent_id).more
            elif action == "exclusive":
                finished = sessions.sign_in(OWNER, NAME, exclusive=True) is not None
            else:
                finished = agents.delete(OWNER, made.agent_id) is None
        assert finished or "BatchWriteItem" in function_time.calls, "it did not get further"


def test_end_that_runs_out_of_time_deletes_only_what_no_touch_can_revive(
    database: Database, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SessionService(database.tables(), database.settings).sign_in(OWNER, NAME).session
    kinds: dict[str, dict[str, Any]] = {
        "0": {"incarnation": sample(1).session_id},  # live, and not behind the fence
        "1": {"expires_at": frozen.time - 59},
        "2": {"expires_at": frozen.time - 60},
    }
    made = [
        replace(own, session_id=sample(number).session_id.replace("0", kind, 1), **changes)
        for kind, changes in kinds.items()
        for number in range(5)
    ]
    fill(database, made)
    database.tables().sessions.delete_session(own.agent_id, own.session_id)
    monkeypatch.setattr(ending, "READ_LIMIT", len(made) - 1)
    function_time = FunctionTime(1.0)
    monkeypatch.setattr(clock, "monotonic", function_time)
    agents = AgentService(database.tables(function_time.over(database.tables().sessions.transport)), database.settings)

    assert agents.end_all_sessions(OWNER, own.agent_id) == Ended(0, more=True)

    left, _ = database.tables().sessions.first_sessions_of(own.agent_id, limit=100)
    assert {each.session_id for each in left} == {each.session_id for each in (*made[:10], made[-1])}
