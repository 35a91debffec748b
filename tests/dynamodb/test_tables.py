"""Every method of the store and every condition it sets, on moto and on Amazon's engine alike."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions.domain.identity import Identity, agent_id
from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError
from tests.support.database import OTHER_OWNER, OWNER, Database, client_of, fill
from tools.dynamodb.capacity_meter import Meter

NOW = 1_800_000_000
WHO = Identity.of("Claude", "Project A")
AGENT_ID = agent_id(OWNER, WHO.key)


def session(number: int = 1, **changes: Any) -> Session:
    made = Session(
        agent_id=AGENT_ID,
        session_id=str(uuid.UUID(int=number)),
        owner=OWNER,
        agent_name="Claude",
        context="Project A",
        created_at=NOW,
        last_active=NOW,
        expires_at=NOW + 1860,
        ends_at=NOW + 43200,
        sign_in_number=1,
    )
    return replace(made, **changes)


def sign_in(tables: Tables, who: Identity = WHO, *, session_id: str = "first", now: int = NOW) -> tuple[Agent, bool]:
    return tables.agents.record_sign_in(agent_id(OWNER, who.key), OWNER, who, session_id=session_id, now=now)


def put(tables: Tables, *sessions: Session) -> None:
    for each in sessions:
        tables.sessions.put_session(each)


def handles(sessions: Sequence[Session]) -> list[str]:
    return [each.session_id for each in sessions]


class TestFindAgentId:
    def test_an_agent_is_found_by_owner_and_identity(self, tables: Tables) -> None:
        sign_in(tables)

        assert tables.agents.find_agent_id(OWNER, WHO.key) == AGENT_ID

    @pytest.mark.parametrize(
        ("owner", "key"), [(OTHER_OWNER, WHO.key), (OWNER, "claude:project"), (OWNER, "claude:default"), ("x", "x")]
    )
    def test_another_owner_or_identity_finds_nothing(self, tables: Tables, owner: str, key: str) -> None:
        sign_in(tables)

        assert tables.agents.find_agent_id(owner, key) is None

    def test_of_two_imported_agents_the_smaller_id_is_chosen(self, database: Database, tables: Tables) -> None:
        for number in (7, 3, 5):
            database.import_agent(str(uuid.UUID(int=number)), OWNER, "twin:default", at=NOW)

        assert tables.agents.find_agent_id(OWNER, "twin:default") == str(uuid.UUID(int=3))

    def test_the_longest_identity_fits_the_index(self, tables: Tables) -> None:
        # U+FDFA becomes 33 bytes: the longest key that Identity lets pass, and one below DynamoDB's limit.
        who = Identity.of("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 60, "x" * 66)
        assert len(who.key.encode()) <= 2048

        agent, _ = sign_in(tables, who)

        assert tables.agents.find_agent_id(OWNER, who.key) == agent.agent_id


class TestRecordSignIn:
    def test_the_first_creates_the_agent(self, tables: Tables) -> None:
        agent, created = sign_in(tables)

        assert created
        assert agent == Agent(
            agent_id=AGENT_ID,
            owner=OWNER,
            identity_key="claude:project a",
            agent_name="Claude",
            context="Project A",
            created_at=NOW,
            last_active=NOW,
            sign_ins=1,
        )
        assert tables.agents.get_agent(AGENT_ID) == agent

    def test_the_next_keeps_all_that_was_set_at_birth(self, database: Database, tables: Tables) -> None:
        first, _ = sign_in(tables)
        again = Identity.of("CLAUDE", "PROJECT A")

        agent, created = sign_in(tables, again, session_id="second", now=NOW + 5)

        assert not created
        assert agent == replace(first, last_active=NOW + 5, sign_ins=2)
        assert database.agent_item(AGENT_ID)["sign_ins"] == {"N": "2"}

    def test_a_repeated_attempt_of_the_first_is_still_the_first(self, tables: Tables) -> None:
        assert [sign_in(tables)[1] for _ in range(3)] == [True, True, True]

    def test_one_imported_under_the_derived_id_was_created_before(self, database: Database, tables: Tables) -> None:
        database.import_agent(AGENT_ID, OWNER, WHO.key, at=NOW - 9)

        agent, created = sign_in(tables)

        assert (agent.created_at, created) == (NOW - 9, False)

    def test_no_context_is_stored_as_null_and_stays_none(self, database: Database, tables: Tables) -> None:
        # An attribute that was not there would be set by the next sign-in with the context "default".
        agent, _ = sign_in(tables, Identity.of("Claude"))
        assert database.agent_item(agent.agent_id)["context"] == {"NULL": True}

        again, created = sign_in(tables, Identity.of("Claude", "default"), session_id="second")

        assert (again.agent_id, again.context, created) == (agent.agent_id, None, False)
        assert tables.agents.get_agent(agent.agent_id) == again

    def test_the_context_default_of_the_first_stays(self, tables: Tables) -> None:
        sign_in(tables, Identity.of("Claude", "Default"))

        assert sign_in(tables, Identity.of("Claude"), session_id="second")[0].context == "Default"

    @pytest.mark.parametrize(
        "hostile", ["#owner = :owner", ":now", "a\u0338b", "\N{FACE WITH TEARS OF JOY}", "SET x = y"]
    )
    def test_names_are_never_expressions(self, tables: Tables, hostile: str) -> None:
        who = Identity.of(hostile, hostile)

        agent, _ = sign_in(tables, who)

        assert (agent.agent_name, agent.context, agent.owner) == (hostile, hostile, OWNER)


class TestReuseAgent:
    def reuse(self, tables: Tables, imported: str) -> Agent | None:
        return tables.agents.reuse_agent(imported, OWNER, WHO, session_id="first", now=NOW)

    def test_an_imported_agent_keeps_what_it_came_with(self, database: Database, tables: Tables) -> None:
        imported = str(uuid.UUID(int=11))
        database.import_agent(imported, OWNER, WHO.key, at=NOW - 9, context={"S": "PROJECT A"})

        agent = self.reuse(tables, imported)

        assert agent == tables.agents.get_agent(imported)
        assert agent
        assert (agent.context, agent.created_at, agent.last_active) == ("PROJECT A", NOW - 9, NOW)
        assert database.agent_item(imported)["sign_ins"] == {"N": "1"}

    def test_one_that_is_gone_is_not_made_again(self, database: Database, tables: Tables) -> None:
        imported = str(uuid.UUID(int=11))
        database.import_agent(imported, OWNER, WHO.key, at=NOW)
        database.delete_agent(imported)

        assert self.reuse(tables, imported) is None
        assert database.agent_item(imported) == {}


class TestRecordSeen:
    @pytest.fixture(autouse=True)
    def agent(self, tables: Tables) -> None:
        sign_in(tables)

    @pytest.mark.parametrize(("seen", "told"), [(NOW - 1, NOW), (NOW, NOW), (NOW + 1, NOW + 1)])
    def test_it_moves_forward_and_never_back(self, tables: Tables, seen: int, told: int) -> None:
        tables.agents.update_last_active(AGENT_ID, seen)

        agent = tables.agents.get_agent(AGENT_ID)
        assert agent
        assert agent.last_active == told

    def test_it_changes_nothing_else(self, tables: Tables) -> None:
        before = tables.agents.get_agent(AGENT_ID)
        assert before
        tables.agents.update_last_active(AGENT_ID, NOW + 1)

        assert tables.agents.get_agent(AGENT_ID) == replace(before, last_active=NOW + 1)

    def test_it_makes_no_agent(self, tables: Tables) -> None:
        absent = str(uuid.UUID(int=9))
        tables.agents.update_last_active(absent, NOW)

        assert tables.agents.get_agent(absent) is None


class TestGetAgent:
    def test_an_absent_agent_is_none(self, tables: Tables) -> None:
        assert tables.agents.get_agent(AGENT_ID) is None


class TestSessions:
    @pytest.mark.parametrize(
        "changes", [{}, {"context": None}, {"exclusive": True}, {"agent_name": "\N{SNOWMAN}" * 100}]
    )
    def test_what_was_put_is_read(self, tables: Tables, changes: dict[str, Any]) -> None:
        put(tables, session(**changes))

        assert tables.sessions.get_session(AGENT_ID, session().session_id) == session(**changes)

    def test_an_expired_session_is_read_until_it_is_deleted(self, tables: Tables) -> None:
        put(tables, session(expires_at=1))

        assert tables.sessions.get_session(AGENT_ID, session().session_id) == session(expires_at=1)

    def test_an_absent_session_is_none(self, tables: Tables) -> None:
        put(tables, session(1))

        assert tables.sessions.get_session(AGENT_ID, session(2).session_id) is None
        assert tables.sessions.get_session(str(uuid.UUID(int=1)), session(1).session_id) is None


class TestTouch:
    def touch(self, tables: Tables, now: int) -> bool:
        return tables.sessions.touch_session(AGENT_ID, session().session_id, now=now, expires_at=now + 1860)

    def test_a_live_session_moves_forward(self, tables: Tables) -> None:
        put(tables, session(exclusive=True))

        assert self.touch(tables, NOW + 60) is True
        moved = session(exclusive=True, last_active=NOW + 60, expires_at=NOW + 1920)
        assert tables.sessions.get_session(AGENT_ID, session().session_id) == moved

    @pytest.mark.parametrize(("now", "touched"), [(NOW + 1859, True), (NOW + 1860, False), (NOW + 1861, False)])
    def test_it_is_live_until_the_second_of_its_expiry(self, tables: Tables, now: int, touched: bool) -> None:
        put(tables, session())

        assert self.touch(tables, now) is touched
        left = tables.sessions.get_session(AGENT_ID, session().session_id)
        assert left == (session(last_active=now, expires_at=now + 1860) if touched else session())

    def test_a_deleted_session_is_not_revived(self, tables: Tables) -> None:
        put(tables, session())
        tables.sessions.delete_session(AGENT_ID, session().session_id)

        assert self.touch(tables, NOW + 60) is False
        assert tables.sessions.get_session(AGENT_ID, session().session_id) is None

    def test_a_session_that_never_was_is_not_made(self, tables: Tables) -> None:
        assert self.touch(tables, NOW) is False
        assert list(tables.sessions.sessions_of(AGENT_ID)) == []


class TestDeleteSession:
    def test_what_was_there_is_returned_once(self, tables: Tables) -> None:
        put(tables, session(1), session(2))

        assert tables.sessions.delete_session(AGENT_ID, session(1).session_id) == session(1)
        assert tables.sessions.delete_session(AGENT_ID, session(1).session_id) is None
        assert list(tables.sessions.sessions_of(AGENT_ID)) == [session(2)]

    def test_its_owner_deletes_it(self, tables: Tables) -> None:
        put(tables, session())

        assert tables.sessions.delete_session(AGENT_ID, session().session_id, owner=OWNER) == session()
        assert tables.sessions.delete_session(AGENT_ID, session().session_id, owner=OWNER) is None
        assert tables.sessions.get_session(AGENT_ID, session().session_id) is None

    @pytest.mark.parametrize("owner", [OTHER_OWNER, "", OWNER.upper()])
    def test_another_owner_does_not(self, tables: Tables, owner: str) -> None:
        put(tables, session())

        assert tables.sessions.delete_session(AGENT_ID, session().session_id, owner=owner) is None
        assert tables.sessions.get_session(AGENT_ID, session().session_id) == session()


class TestSessionsOf:
    NUMBERS = (3, 1, 7, 5, 9)

    @pytest.fixture
    def ordered(self, tables: Tables) -> list[Session]:
        put(tables, *map(session, self.NUMBERS), session(4, agent_id=str(uuid.UUID(int=1))))
        return [session(number) for number in sorted(self.NUMBERS)]

    def test_all_of_one_agent_come_by_handle(self, tables: Tables, ordered: list[Session]) -> None:
        assert list(tables.sessions.sessions_of(AGENT_ID)) == ordered

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
    def test_pages_lose_and_repeat_nothing(self, tables: Tables, ordered: list[Session], limit: int) -> None:
        meter = Meter(client_of(tables))
        assert list(tables.sessions.sessions_of(AGENT_ID, limit=limit)) == ordered
        # A last page that is full may be followed by an empty one.
        assert len(ordered) / limit <= len(meter.calls) <= len(ordered) // limit + 1

    @pytest.mark.parametrize(("after", "first"), [(0, 0), (1, 1), (3, 2), (4, 2), (8, 4), (9, 5), (99, 5)])
    def test_they_start_behind_a_handle_that_need_not_exist(
        self, tables: Tables, ordered: list[Session], after: int, first: int
    ) -> None:
        after_handle = session(after).session_id
        assert list(tables.sessions.sessions_of(AGENT_ID, after=after_handle, limit=2)) == ordered[first:]

    def test_an_agent_without_sessions_has_none(self, tables: Tables) -> None:
        assert list(tables.sessions.sessions_of(AGENT_ID)) == []

    def test_pages_of_a_megabyte_lose_and_repeat_nothing(self, tables: Tables, database: Database) -> None:
        many = [session(number, context="\N{FACE WITH TEARS OF JOY}" * 200) for number in range(1100)]
        fill(database, many)
        meter = Meter(database.client)

        assert list(tables.sessions.sessions_of(AGENT_ID)) == many
        assert meter.calls == ["Query", "Query"]


class TestDeleteSessions:
    @pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (25, 1), (26, 2), (60, 3)])
    def test_25_are_deleted_in_a_call_and_the_others_stay(self, tables: Tables, count: int, calls: int) -> None:
        put(tables, *map(session, range(count + 2)))
        meter = Meter(client_of(tables))

        tables.sessions.delete_sessions(map(session, range(count)))

        assert meter.calls == ["BatchWriteItem"] * calls
        assert list(tables.sessions.sessions_of(AGENT_ID)) == [session(count), session(count + 1)]

    def test_what_is_gone_already_is_no_error(self, tables: Tables) -> None:
        put(tables, session(1))

        tables.sessions.delete_sessions([session(1), session(2)])
        tables.sessions.delete_sessions([session(1), session(2)])

        assert list(tables.sessions.sessions_of(AGENT_ID)) == []

    def test_what_the_database_left_over_is_deleted_again(
        self, tables: Tables, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tables, *map(session, range(30)))
        leave = LeaveOver(tables, times=4)
        monkeypatch.setattr("agent_sessions.dynamodb.sessions_table.random.uniform", leave.wait)

        tables.sessions.delete_sessions(map(session, range(30)))

        assert list(tables.sessions.sessions_of(AGENT_ID)) == []
        assert leave.waited == [(0, 0.05), (0, 0.1), (0, 0.2), (0, 0.4)]

    def test_what_is_left_over_five_times_is_told(self, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tables, *map(session, range(2)))
        leave = LeaveOver(tables, times=5)
        monkeypatch.setattr("agent_sessions.dynamodb.sessions_table.random.uniform", leave.wait)

        with pytest.raises(DatabaseError) as error:
            tables.sessions.delete_sessions(map(session, range(2)))

        assert error.value.operation == "BatchWriteItem"
        assert list(tables.sessions.sessions_of(AGENT_ID)) == [session(1)], "what was not left over is deleted"


class LeaveOver:
    """Has the database leave the last request of each batch over, as it does when throttled."""

    def __init__(self, tables: Tables, *, times: int) -> None:
        self._times = times
        self._left: dict[str, list[object]] = {}
        self.waited: list[tuple[float, float]] = []
        events: Any = client_of(tables).meta.events
        events.register("provide-client-params.dynamodb.BatchWriteItem", self._hold_back)
        events.register("after-call.dynamodb.BatchWriteItem", self._give_back)

    def wait(self, shortest: float, longest: float) -> float:
        self.waited.append((shortest, round(longest, 3)))
        return 0

    def _hold_back(self, params: dict[str, dict[str, list[object]]], **_: object) -> dict[str, object] | None:
        if self._times == 0:
            return None
        self._times -= 1
        ((table, requests),) = params["RequestItems"].items()
        self._left = {table: requests[-1:]}
        # A batch may not be empty, so of a single one nothing is held back, only told as left over.
        return {**params, "RequestItems": {table: requests[:-1] or ABSENT}}

    def _give_back(self, parsed: dict[str, object], **_: object) -> None:
        parsed["UnprocessedItems"] = self._left
        self._left = {}


ABSENT = [{"DeleteRequest": {"Key": {"agent_id": {"S": "nobody"}, "session_id": {"S": "nothing"}}}}]


class TestLiveSessionAgents:
    @pytest.mark.parametrize("segments", [1, 3, 4, 16])
    def test_segments_together_meet_every_live_session_once_and_agents_in_a_row(
        self, tables: Tables, database: Database, segments: int
    ) -> None:
        shuffled = random.Random(4)  # noqa: S311  the same each time
        live: list[Session] = []
        dead: list[Session] = []
        for number in range(90):
            owner_agent = str(uuid.UUID(int=shuffled.randrange(2**128)))
            for _ in range(shuffled.randrange(1, 5)):
                handle = str(uuid.UUID(int=shuffled.randrange(2**128)))
                # 1 second before and at the second of expiry; long contexts make pages of a megabyte.
                each = session(
                    agent_id=owner_agent, session_id=handle, context="\N{SNOWMAN}" * (5 * number), expires_at=NOW + 1
                )
                (live if shuffled.random() < 0.8 else dead).append(each)
        fill(database, live + [replace(each, expires_at=NOW) for each in dead])

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

        assert sorted(met) == sorted(each.agent_id for each in live)

    def test_a_scan_goes_on_beyond_a_megabyte(self, tables: Tables, database: Database) -> None:
        many = [
            session(number, agent_id=str(uuid.UUID(int=number // 2)), context="\N{FACE WITH TEARS OF JOY}" * 200)
            for number in range(1100)
        ]
        fill(database, many)

        pages = list(tables.sessions.live_session_agents(now=NOW, segment=0, segments=1))

        assert len(pages) == 2
        assert sorted(each for page in pages for each in page) == sorted(each.agent_id for each in many)

    def test_an_empty_table_has_one_empty_page(self, tables: Tables) -> None:
        assert list(tables.sessions.live_session_agents(now=NOW, segment=0, segments=1)) == [[]]


class TestPing:
    def test_it_reads_one_item_that_is_not_there(self, tables: Tables) -> None:
        meter = Meter(client_of(tables))
        tables.sessions.ping()

        assert meter.spent == (["GetItem"], 0.5, 0)
