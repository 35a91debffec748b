"""Every method of SessionsTable and every condition it sets, on moto and on DynamoDB Local."""

import random
import uuid
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions.domain.models import Session, StopRequest
from agent_sessions.dynamodb.tables import Tables
from tests.support.database import Database, client_of, fill
from tests.support.samples import AGENT_ID, NOW, OTHER_OWNER, OWNER, session
from tools.dynamodb.capacity_meter import Meter

SESSION_ID = session().session_id
OTHER_AGENT = str(uuid.UUID(int=1))


def put(tables: Tables, *sessions: Session) -> None:
    for each in sessions:
        tables.sessions.put_session(each)


def stored(tables: Tables, number: int = 1) -> Session | None:
    return tables.sessions.get_session(AGENT_ID, session(number).session_id)


def live(tables: Tables, *, limit: int = 100, after: str | None = None, now: int = NOW) -> list[Session]:
    pages = tables.sessions.live_sessions_of(AGENT_ID, now=now, limit=limit, after=after)
    return [each for page, _ in pages for each in page]


class TestPutAndGet:
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"context": None},
            {"exclusive": True},
            {"agent_name": "\N{SNOWMAN}" * 100},
            {"metadata": {"model": "claude", "empty": ""}},
            {"state": "waiting", "activity": "asking Ada", "progress_at": NOW + 3},
            {"stop_requested": StopRequest("budget used up", NOW + 4)},
        ],
    )
    def test_session_is_read_as_it_was_written(self, tables: Tables, changes: dict[str, Any]) -> None:
        put(tables, session(**changes))
        assert stored(tables) == session(**changes)

    def test_expired_session_is_read_until_it_is_deleted(self, tables: Tables) -> None:
        put(tables, session(expires_at=1))
        assert stored(tables) == session(expires_at=1)

    def test_missing_session_is_none(self, tables: Tables) -> None:
        put(tables, session(1))
        assert stored(tables, 2) is None
        assert tables.sessions.get_session(OTHER_AGENT, SESSION_ID) is None

    @pytest.mark.parametrize(
        "attribute",
        ["owner", "agent_name", "created_at", "last_active", "expires_at", "ends_at", "sign_in_number", "incarnation"],
    )
    def test_item_without_a_required_attribute_is_not_a_session(
        self, database: Database, tables: Tables, attribute: str
    ) -> None:
        put(tables, session(1), session(2))
        database.client.update_item(
            TableName=database.settings.sessions_table,
            Key={"agent_id": {"S": AGENT_ID}, "session_id": {"S": SESSION_ID}},
            UpdateExpression="REMOVE #attribute",
            ExpressionAttributeNames={"#attribute": attribute},
        )
        assert stored(tables) is None
        assert live(tables) == [session(2)]
        entries, _ = tables.sessions_by_owner.page(OWNER, after=None, limit=100)
        assert tables.sessions_by_owner.read(entries) == [session(2)]


class TestTouch:
    def touch(self, tables: Tables, now: int) -> bool:
        return tables.sessions.touch_session(session(), now=now, expires_at=now + 1860)

    def test_times_of_a_live_session_move_forward(self, tables: Tables) -> None:
        put(tables, session(exclusive=True))
        assert self.touch(tables, NOW + 60) is True
        assert stored(tables) == session(exclusive=True, last_active=NOW + 60, expires_at=NOW + 1920)

    @pytest.mark.parametrize(("now", "touched"), [(NOW + 1859, True), (NOW + 1860, False), (NOW + 1861, False)])
    def test_session_is_live_until_the_second_of_its_expiry(self, tables: Tables, now: int, touched: bool) -> None:
        put(tables, session())
        assert self.touch(tables, now) is touched
        assert stored(tables) == (session(last_active=now, expires_at=now + 1860) if touched else session())

    def test_late_touch_moves_nothing_back(self, tables: Tables) -> None:
        put(tables, session())
        assert self.touch(tables, NOW + 63)
        assert not self.touch(tables, NOW + 60)
        assert stored(tables) == session(last_active=NOW + 63, expires_at=NOW + 1923)

    def test_retried_touch_succeeds_again(self, tables: Tables) -> None:
        put(tables, session())
        assert [self.touch(tables, NOW + 60) for _ in range(2)] == [True, True]

    def test_deleted_session_is_not_revived(self, tables: Tables) -> None:
        put(tables, session())
        tables.sessions.delete_session(AGENT_ID, SESSION_ID)
        assert self.touch(tables, NOW + 60) is False
        assert stored(tables) is None


class TestReportProgress:
    def report(self, tables: Tables, now: int, *, move_times: bool = True, **progress: str | None) -> bool:
        return tables.sessions.report_progress(
            session(), now=now, expires_at=now + 1860, progress=progress, move_times=move_times
        )

    def test_report_sets_what_it_names_and_counts_as_use(self, tables: Tables) -> None:
        put(tables, session())
        assert self.report(tables, NOW + 5, state="working", activity="set = :now")
        assert stored(tables) == session(
            state="working",
            activity="set = :now",
            progress_at=NOW + 5,
            last_active=NOW + 5,
            expires_at=NOW + 1865,
        )

    def test_report_keeps_what_it_does_not_name(self, tables: Tables) -> None:
        put(tables, session(state="working", activity="reading"))
        assert self.report(tables, NOW + 5, state="waiting")
        after = stored(tables)
        assert after
        assert (after.state, after.activity, after.progress_at) == ("waiting", "reading", NOW + 5)

    def test_none_removes_an_earlier_report(self, tables: Tables) -> None:
        put(tables, session(state="working", activity="reading"))
        assert self.report(tables, NOW + 5, state=None, activity=None)
        after = stored(tables)
        assert after
        assert (after.state, after.activity) == (None, None)

    def test_report_that_is_late_needs_to_leave_the_times_alone(self, tables: Tables) -> None:
        used = session(last_active=NOW + 9, expires_at=NOW + 1869)
        put(tables, used)
        assert not self.report(tables, NOW + 5, state="idle")
        assert stored(tables) == used
        assert self.report(tables, NOW + 5, state="idle", move_times=False)
        assert stored(tables) == replace(used, state="idle", progress_at=NOW + 5)

    def test_late_report_does_not_replace_a_later_one(self, tables: Tables) -> None:
        reported = session(last_active=NOW + 9, state="working", progress_at=NOW + 9)
        put(tables, reported)
        assert not self.report(tables, NOW + 5, state="idle", move_times=False)
        assert stored(tables) == reported

    @pytest.mark.parametrize("move_times", [True, False])
    def test_ended_session_is_not_revived(self, tables: Tables, move_times: bool) -> None:
        assert not self.report(tables, NOW, state="idle", move_times=move_times)
        assert stored(tables) is None
        put(tables, session(expires_at=NOW))
        assert not self.report(tables, NOW, state="idle", move_times=move_times)
        assert stored(tables) == session(expires_at=NOW)


class TestRequestStop:
    def test_request_is_stored_replaced_and_withdrawn(self, tables: Tables) -> None:
        put(tables, session())
        for request in (StopRequest("first", NOW + 1), StopRequest("second", NOW + 2), None, None):
            returned = tables.sessions.request_stop(AGENT_ID, SESSION_ID, OWNER, request, now=NOW)
            assert returned == session(stop_requested=request)
            assert stored(tables) == returned

    @pytest.mark.parametrize(
        "changes", [{"owner": OTHER_OWNER}, {"expires_at": NOW}, {"ends_at": NOW}, {"created_at": -1}]
    )
    def test_session_of_another_owner_or_ended_is_left_alone(self, tables: Tables, changes: dict[str, Any]) -> None:
        put(tables, session(**changes))
        request = StopRequest("reason", NOW)
        assert tables.sessions.request_stop(AGENT_ID, SESSION_ID, OWNER, request, now=NOW) is None
        assert stored(tables) == session(**changes)


class TestDeleteOne:
    def test_deleted_session_is_returned_once(self, tables: Tables) -> None:
        put(tables, session(1), session(2))
        assert tables.sessions.delete_session(AGENT_ID, SESSION_ID) == session(1)
        assert tables.sessions.delete_session(AGENT_ID, SESSION_ID) is None
        assert live(tables) == [session(2)]

    def test_its_owner_deletes_a_session(self, tables: Tables) -> None:
        put(tables, session())
        assert tables.sessions.delete_session(AGENT_ID, SESSION_ID, owner=OWNER) == session()
        assert tables.sessions.delete_session(AGENT_ID, SESSION_ID, owner=OWNER) is None

    @pytest.mark.parametrize("owner", [OTHER_OWNER, "", OWNER.upper()])
    def test_another_owner_deletes_nothing(self, tables: Tables, owner: str) -> None:
        put(tables, session())
        assert tables.sessions.delete_session(AGENT_ID, SESSION_ID, owner=owner) is None
        assert stored(tables) == session()

    def test_session_that_was_used_meanwhile_is_kept(self, tables: Tables) -> None:
        put(tables, session(last_active=NOW + 1))
        assert not tables.sessions.delete_unused_session(session())
        assert tables.sessions.delete_unused_session(session(last_active=NOW + 1))
        assert not tables.sessions.delete_unused_session(session(last_active=NOW + 1))

    def test_session_that_a_touch_extended_is_kept(self, tables: Tables) -> None:
        put(tables, session(expires_at=NOW + 1))
        assert not tables.sessions.delete_expired_session(AGENT_ID, SESSION_ID, now=NOW)
        assert tables.sessions.delete_expired_session(AGENT_ID, SESSION_ID, now=NOW + 1)


class TestLiveSessionsOf:
    NUMBERS = (3, 1, 7, 5, 9)

    @pytest.fixture
    def ordered(self, tables: Tables) -> list[Session]:
        put(tables, *map(session, self.NUMBERS), session(4, agent_id=OTHER_AGENT))
        return [session(number) for number in sorted(self.NUMBERS)]

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
    def test_pages_lose_and_repeat_nothing(self, tables: Tables, ordered: list[Session], limit: int) -> None:
        meter = Meter(client_of(tables))
        assert live(tables, limit=limit) == ordered
        # A last page that is full may be followed by an empty one.
        assert len(ordered) / limit <= len(meter.calls) <= len(ordered) // limit + 1

    @pytest.mark.parametrize(("after", "first"), [(0, 0), (1, 1), (3, 2), (4, 2), (8, 4), (9, 5), (99, 5)])
    def test_start_need_not_exist(self, tables: Tables, ordered: list[Session], after: int, first: int) -> None:
        assert live(tables, after=session(after).session_id, limit=2) == ordered[first:]

    @pytest.mark.parametrize("changes", [{"expires_at": NOW}, {"ends_at": NOW}, {"created_at": -1}])
    def test_dead_sessions_are_left_out(self, tables: Tables, ordered: list[Session], changes: dict[str, Any]) -> None:
        put(tables, session(2, **changes))
        assert live(tables, limit=2) == ordered

    def test_agent_without_sessions_has_none(self, tables: Tables) -> None:
        assert live(tables) == []

    def test_pages_of_a_megabyte_lose_and_repeat_nothing(self, tables: Tables, database: Database) -> None:
        many = [session(number, context="\N{FACE WITH TEARS OF JOY}" * 200) for number in range(1100)]
        fill(database, many)
        meter = Meter(client_of(tables))
        assert live(tables, limit=5000) == many
        assert meter.calls == ["Query", "Query"]


class TestCountLiveSessions:
    def test_counts_of_pages_add_up(self, tables: Tables) -> None:
        put(tables, *map(session, range(1, 8)), session(8, expires_at=NOW), session(9, agent_id=OTHER_AGENT))
        pages = list(tables.sessions.count_live_sessions(AGENT_ID, now=NOW, limit=3))
        assert sum(count for count, _ in pages) == 7
        assert [more for _, more in pages] == [True] * (len(pages) - 1) + [False]

    def test_first_sessions_include_dead_ones(self, tables: Tables) -> None:
        put(tables, session(1), session(2, expires_at=1), session(3))
        assert tables.sessions.first_sessions_of(AGENT_ID, limit=2) == ([session(1), session(2, expires_at=1)], True)
        assert len(tables.sessions.first_sessions_of(AGENT_ID, limit=9)[0]) == 3


class TestDeleteMany:
    @pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (25, 1), (26, 2), (60, 3)])
    def test_25_sessions_are_deleted_per_call(self, tables: Tables, count: int, calls: int) -> None:
        put(tables, *map(session, range(count + 2)))
        meter = Meter(client_of(tables))
        tables.sessions.delete_sessions((AGENT_ID, session(number).session_id) for number in range(count))
        assert meter.calls == ["BatchWriteItem"] * calls
        assert live(tables) == [session(count), session(count + 1)]

    def test_deleting_twice_is_no_error(self, tables: Tables) -> None:
        put(tables, session(1))
        keys = [(AGENT_ID, session(number).session_id) for number in (1, 2)]
        tables.sessions.delete_sessions(keys)
        tables.sessions.delete_sessions(keys)
        assert live(tables) == []


class TestSessionsByOwner:
    def test_pages_lose_and_repeat_nothing(self, tables: Tables) -> None:
        made = [
            session(number, agent_id=str(uuid.UUID(int=number // 3)), created_at=NOW - number)
            for number in range(1, 12)
        ]
        put(tables, *made, session(99, owner=OTHER_OWNER))

        found, after = [], None
        while True:
            page, after = tables.sessions_by_owner.page(OWNER, after=after, limit=4)
            assert len(page) <= 4
            found += page
            if after is None:
                break

        assert [each.agent_id for each in found] == sorted(each.agent_id for each in made)
        assert {(each.key, each.created_at, each.ends_at) for each in found} == {
            ((each.agent_id, each.session_id), each.created_at, each.ends_at) for each in made
        }

    def test_position_of_a_deleted_session_is_valid(self, tables: Tables) -> None:
        put(tables, *(session(number, agent_id=str(uuid.UUID(int=number))) for number in range(1, 6)))
        entries, _ = tables.sessions_by_owner.page(OWNER, after=None, limit=100)
        for place, entry in enumerate(entries):
            tables.sessions.delete_session(*entry.key)
            rest, _ = tables.sessions_by_owner.page(OWNER, after=entry.key, limit=100)
            assert rest == entries[place + 1 :]

    def test_position_of_another_owner_leads_to_none_of_theirs(self, tables: Tables) -> None:
        put(tables, session(1), session(2, owner=OTHER_OWNER, agent_id=OTHER_AGENT))
        page, _ = tables.sessions_by_owner.page(OWNER, after=(OTHER_AGENT, session(2).session_id), limit=10)
        assert {each.session_id for each in page} <= {session(1).session_id}

    def test_deleted_sessions_are_skipped(self, tables: Tables) -> None:
        put(tables, *map(session, range(1, 120)))
        entries, _ = tables.sessions_by_owner.page(OWNER, after=None, limit=200)
        tables.sessions.delete_sessions(each.key for each in entries[::2])
        assert tables.sessions_by_owner.read(entries) == [
            session(int(uuid.UUID(each.session_id))) for each in entries[1::2]
        ]


class TestLiveSessionAgents:
    @pytest.mark.parametrize("segments", [1, 3, 4, 16])
    def test_segments_show_every_live_session_once_and_agents_in_a_row(
        self, tables: Tables, database: Database, segments: int
    ) -> None:
        shuffled = random.Random(4)  # noqa: S311  the same each time
        alive: list[Session] = []
        dead: list[Session] = []
        for number in range(90):
            agent = str(uuid.UUID(int=shuffled.randrange(2**128)))
            for _ in range(shuffled.randrange(1, 5)):
                handle = str(uuid.UUID(int=shuffled.randrange(2**128)))
                # 1 second before and at the second of expiry; long contexts make pages of a megabyte.
                each = session(
                    agent_id=agent, session_id=handle, context="\N{SNOWMAN}" * (5 * number), expires_at=NOW + 1
                )
                (alive if shuffled.random() < 0.8 else dead).append(each)
        fill(database, alive + [replace(each, expires_at=NOW) for each in dead])

        met: list[str] = []
        for segment in range(segments):
            agents = [
                each
                for page in tables.sessions.live_session_agents(now=NOW, segment=segment, segments=segments)
                for each in page
            ]
            runs = [each for index, each in enumerate(agents) if index == 0 or agents[index - 1] != each]
            assert len(runs) == len(set(runs)), "the sessions of an agent come in a row"
            assert not set(runs) & set(met), "and in one segment"
            met += agents

        assert sorted(met) == sorted(each.agent_id for each in alive)

    def test_scan_continues_after_a_megabyte(self, tables: Tables, database: Database) -> None:
        many = [
            session(number, agent_id=str(uuid.UUID(int=number // 2)), context="\N{FACE WITH TEARS OF JOY}" * 200)
            for number in range(1100)
        ]
        fill(database, many)

        pages = list(tables.sessions.live_session_agents(now=NOW, segment=0, segments=1))

        assert len(pages) == 2
        assert sorted(each for page in pages for each in page) == sorted(each.agent_id for each in many)

    def test_empty_table_has_one_empty_page(self, tables: Tables) -> None:
        assert list(tables.sessions.live_session_agents(now=NOW, segment=0, segments=1)) == [[]]


class TestPing:
    def test_each_table_costs_one_read(self, tables: Tables) -> None:
        meter = Meter(client_of(tables))
        tables.sessions.ping()
        tables.agents.ping()
        assert meter.spent == (["GetItem", "GetItem"], 1.0, 0)
