"""The calls and the consumed capacity of every operation, as DynamoDB Local counts them: the budgets of the design.

The engine differs from AWS in two points: a Query that finds nothing costs nothing, and the response of a failed
condition does not report its write unit.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.errors import InvalidSessionError
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.services.sweep import MAX_DELETIONS, SIGN_INS_PER_SWEEP
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient, fill
from tests.support.samples import session as sample
from tools.dynamodb.capacity_meter import Meter

# The longest that Latin letters make: each write is one unit only while the item stays under 1 KB.
NAME, CONTEXT = "n" * 100, "c" * 200
# Strongly consistent reads of a partition cost a unit for each 4 KB; a session with these names has under 1 KB.
SESSION_BYTES = 1024


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


@pytest.fixture
def meter(database: Database) -> Meter:
    return Meter(database.client)


@pytest.fixture
def known(sessions: SessionService, frozen: FrozenClock, meter: Meter) -> SignedIn:
    """An agent that signed in at the start of a last-seen interval; nothing is metered yet."""
    assert frozen.time % 300 == 0
    signed_in = sessions.sign_in(OWNER, NAME, CONTEXT)
    meter.reset()
    return signed_in


def more_sessions(database: Database, meter: Meter, known: SignedIn, count: int) -> list[Session]:
    """Write more live sessions of an agent, as its sign-ins would."""
    more = [
        replace(known.session, session_id=sample(number).session_id, sign_in_number=number)
        for number in range(2, count + 2)
    ]
    fill(database, more)
    database.count_sign_ins(known.session.agent_id, count + 1)
    meter.reset()
    return more


class TestSignIn:
    def test_new_agent(self, sessions: SessionService, meter: Meter) -> None:
        assert not sessions.sign_in(OWNER, NAME, CONTEXT).reused
        # The agent and its two indexes, the session and its index; AWS charges half a unit for the Query.
        assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0, 3 + 2)

    def test_known_agent(self, sessions: SessionService, known: SignedIn, meter: Meter) -> None:
        assert sessions.sign_in(OWNER, NAME, CONTEXT).reused
        assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 1 + 2)

    @pytest.mark.parametrize(("older", "batches"), [(1, 1), (26, 2)])
    def test_exclusive(self, database: Database, known: SignedIn, meter: Meter, older: int, batches: int) -> None:
        never_sweeping = replace(database.settings, max_sessions_per_agent=0)
        more_sessions(database, meter, known, older - 1)
        SessionService(database.tables(), never_sweeping).sign_in(OWNER, NAME, CONTEXT, exclusive=True)
        calls, read, written = meter.spent
        assert calls == ["Query", "UpdateItem", "Query", *["BatchWriteItem"] * batches, "PutItem", "Query"]
        # Both Queries of sessions are strongly consistent; the second finds the new one.
        assert 0.5 + 1 + 1 <= read <= 0.5 + (older * SESSION_BYTES / 4096 + 1) + 1
        assert written == 3 + 2 * older

    def test_sweep_at_every_16th_sign_in(
        self, sessions: SessionService, database: Database, known: SignedIn, meter: Meter
    ) -> None:
        usual = ["Query", "UpdateItem", "PutItem"]
        swept = []
        for number in range(2, 2 * SIGN_INS_PER_SWEEP + 2):
            meter.reset()
            sessions.sign_in(OWNER, NAME, CONTEXT)
            if meter.calls != usual:
                assert meter.calls == [*usual, "UpdateItem", "Query"]
                assert meter.spent[2] == 3 + 1
                swept.append(number)
        assert swept == [SIGN_INS_PER_SWEEP, 2 * SIGN_INS_PER_SWEEP]

    @pytest.mark.parametrize(("beyond", "deleted"), [(3, 3), (200, MAX_DELETIONS)])
    def test_sweep_that_deletes(
        self, sessions: SessionService, database: Database, known: SignedIn, meter: Meter, beyond: int, deleted: int
    ) -> None:
        # The limit is 100, and there are the first session and the one of this sign-in.
        more_sessions(database, meter, known, 98 + beyond)
        sessions.sign_in(OWNER, NAME, CONTEXT)
        calls, read, written = meter.spent
        assert calls == ["Query", "UpdateItem", "PutItem", "UpdateItem", "Query", *["DeleteItem"] * deleted]
        assert read <= 0.5 + (100 + beyond) * SESSION_BYTES / 4096 + 1
        assert written == 3 + 1 + 2 * deleted


class TestUse:
    def test_validation(self, sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
        frozen.tick(59)
        sessions.validate(known.session_token)
        assert meter.spent == (["GetItem"], 1, 0)

    def test_validation_that_touches(
        self, sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock
    ) -> None:
        frozen.tick(60)
        sessions.validate(known.session_token)
        assert meter.spent == (["GetItem", "UpdateItem"], 1, 1)

    def test_validation_that_touches_first_in_five_minutes(
        self, sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock
    ) -> None:
        frozen.tick(300)
        sessions.validate(known.session_token)
        assert meter.spent == (["GetItem", "UpdateItem", "UpdateItem"], 1, 2)

    def test_validation_without_touch(
        self, sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock
    ) -> None:
        frozen.tick(300)
        sessions.validate(known.session_token, touch=False)
        assert meter.spent == (["GetItem"], 1, 0)

    def test_validation_of_a_function_that_writes_no_agent(
        self, database: Database, known: SignedIn, meter: Meter, frozen: FrozenClock
    ) -> None:
        relying = SessionService(database.tables(), database.settings, writes_agents=False)
        frozen.tick(300)
        relying.validate(known.session_token)
        assert meter.spent == (["GetItem", "GetItem", "UpdateItem"], 2, 1)

    @pytest.mark.parametrize(
        ("after", "calls", "written"), [(1, ["GetItem", "UpdateItem"], 1), (300, ["GetItem"] + ["UpdateItem"] * 2, 2)]
    )
    def test_progress(
        self,
        sessions: SessionService,
        known: SignedIn,
        meter: Meter,
        frozen: FrozenClock,
        after: int,
        calls: list[str],
        written: int,
    ) -> None:
        frozen.tick(after)
        sessions.report_progress(known.session_token, {"state": "working", "activity": "a" * 120})
        assert meter.spent == (calls, 1, written)

    def test_session_that_its_agent_does_not_admit_is_healed(
        self, sessions: SessionService, database: Database, known: SignedIn, meter: Meter, frozen: FrozenClock
    ) -> None:
        database.tables().agents.move_fence(known.session.agent_id, OWNER, block=False)
        meter.reset()
        frozen.tick(300)
        with pytest.raises(InvalidSessionError):
            sessions.validate(known.session_token)
        # AWS charges one write unit for the failed condition.
        assert meter.spent == (["GetItem", "UpdateItem", "GetItem", "BatchWriteItem"], 2, 3 - 1)

    def test_sign_out(self, sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
        frozen.tick(1)
        sessions.sign_out(known.session_token)
        assert meter.spent == (["DeleteItem", "UpdateItem"], 0, 2 + 1)

    @pytest.mark.parametrize("token", ["", "malformed", "A" * 42 + "B"])
    def test_malformed_token(self, sessions: SessionService, meter: Meter, token: str) -> None:
        def report(text: str) -> Session:
            return sessions.report_progress(text, {"state": "idle"})

        for use in (sessions.validate, sessions.sign_out, report):
            with pytest.raises(InvalidSessionError):
                use(token)
        assert meter.spent == ([], 0, 0)


class TestLargestItem:
    """All texts at their limits, in letters of four bytes: each write costs up to 4 units instead of 1."""

    LETTER = "\U00020000"
    OWNER = "iam:" + "o" * 508

    @pytest.fixture
    def known(self, sessions: SessionService, frozen: FrozenClock, meter: Meter) -> SignedIn:
        made = self.sign_in(sessions)
        meter.reset()
        return made

    def sign_in(self, sessions: SessionService) -> SignedIn:
        metadata = {f"k{number}": 7 * self.LETTER for number in range(10, 26)}
        return sessions.sign_in(self.OWNER, 100 * self.LETTER, 200 * self.LETTER, metadata=metadata)

    def test_sign_in(self, sessions: SessionService, known: SignedIn, meter: Meter) -> None:
        assert self.sign_in(sessions).reused
        # The agent, the session, and the session's entry in the index.
        assert meter.spent == (["Query", "UpdateItem", "PutItem"], 0.5, 4 + 3 + 1)

    def test_use(
        self, sessions: SessionService, agents: AgentService, known: SignedIn, meter: Meter, frozen: FrozenClock
    ) -> None:
        token, session = known.session_token, known.session
        sessions.report_progress(token, {"state": "working", "activity": 120 * self.LETTER})
        agents.request_stop(self.OWNER, session.agent_id, session.session_id, 200 * self.LETTER)
        meter.reset()
        frozen.tick(60)
        sessions.validate(token)
        assert meter.spent == (["GetItem", "UpdateItem"], 1, 4)

    def test_sign_out(self, sessions: SessionService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
        frozen.tick(1)
        sessions.sign_out(known.session_token)
        assert meter.spent == (["DeleteItem", "UpdateItem"], 0, 3 + 1 + 4)


class TestControl:
    @pytest.mark.parametrize(("live", "batches"), [(1, 1), (25, 1), (26, 2)])
    def test_block_and_end_all(
        self, agents: AgentService, database: Database, known: SignedIn, meter: Meter, live: int, batches: int
    ) -> None:
        agent_id = known.session.agent_id
        for control in (agents.end_all_sessions, agents.block):
            more = more_sessions(database, meter, known, live)
            database.tables().sessions.delete_session(agent_id, known.session.session_id)
            meter.reset()
            control(OWNER, agent_id)
            calls, read, written = meter.spent
            assert calls == ["UpdateItem", "Query", *["BatchWriteItem"] * batches]
            assert read <= len(more) * SESSION_BYTES / 4096 + 1
            assert written == 1 + 2 * live

    def test_delete(self, agents: AgentService, known: SignedIn, meter: Meter) -> None:
        agents.delete(OWNER, known.session.agent_id)
        # The agent and its two indexes.
        assert meter.spent == (["UpdateItem", "Query", "BatchWriteItem", "DeleteItem"], 1, 1 + 2 + 3)

    def test_unblock(self, agents: AgentService, known: SignedIn, meter: Meter) -> None:
        agents.unblock(OWNER, known.session.agent_id)
        assert meter.spent == (["UpdateItem", "Query"], 1, 1)

    @pytest.mark.parametrize("reason", ["r" * 200, None])
    def test_stop_request(self, agents: AgentService, known: SignedIn, meter: Meter, reason: str | None) -> None:
        agents.request_stop(OWNER, known.session.agent_id, known.session.session_id, reason)
        assert meter.spent == (["UpdateItem"], 0, 1)

    def test_end_by_handle(self, agents: AgentService, known: SignedIn, meter: Meter, frozen: FrozenClock) -> None:
        agents.end_session(OWNER, known.session.agent_id, known.session.session_id)
        # The agent's item shows that use already, so its condition fails; AWS charges one unit for that.
        assert meter.spent == (["DeleteItem", "UpdateItem"], 0, 2)


class TestReads:
    @pytest.mark.parametrize(("live", "read"), [(1, 1 + 1), (5, 1 + 1), (9, 1 + 2)])
    def test_agent_with_presence(
        self, agents: AgentService, database: Database, known: SignedIn, meter: Meter, live: int, read: int
    ) -> None:
        more_sessions(database, meter, known, live - 1)
        assert agents.get_agent(OWNER, known.session.agent_id).active_sessions == live
        assert meter.spent == (["GetItem", "Query"], read, 0)

    def test_find_by_name(self, agents: AgentService, known: SignedIn, meter: Meter) -> None:
        assert agents.find_agent(OWNER, NAME, CONTEXT)
        assert meter.spent == (["Query", "GetItem", "Query"], 0.5 + 1 + 1, 0)

    def test_list_of_100_agents(self, roster: RosterService, sessions: SessionService, meter: Meter) -> None:
        for number in range(100):
            sessions.sign_in(OWNER, f"{number} {NAME}"[:100], CONTEXT)
        meter.reset()
        assert len(roster.list_agents(OWNER).agents) == 100
        calls, read, written = meter.spent
        assert (calls, written) == (["Query", "BatchGetItem"], 0)
        # Half a unit for each agent, and for each 4 KB of the index.
        assert 50 < read <= 53.5

    def test_list_of_sessions_of_an_agent(
        self, agents: AgentService, database: Database, known: SignedIn, meter: Meter
    ) -> None:
        more_sessions(database, meter, known, 7)
        assert len(agents.list_sessions(OWNER, known.session.agent_id).sessions) == 8
        assert meter.spent == (["GetItem", "Query"], 1 + 2, 0)

    def test_roster_of_100_live_sessions(
        self, roster: RosterService, database: Database, known: SignedIn, meter: Meter
    ) -> None:
        more_sessions(database, meter, known, 99)
        assert len(roster.list_sessions(OWNER).sessions) == 100
        calls, read, written = meter.spent
        assert (calls, written) == (["Query", "BatchGetItem"], 0)
        # Half a unit for each session, and for each 4 KB of the index.
        assert 50 < read <= 53.5

    @pytest.mark.parametrize("dead", ["expired", "ended"])
    def test_roster_of_dead_sessions_reads_500_entries_a_page(
        self,
        roster: RosterService,
        database: Database,
        known: SignedIn,
        meter: Meter,
        frozen: FrozenClock,
        dead: str,
    ) -> None:
        """The index shows that a session has reached its end, but not that it was unused for too long."""
        more_sessions(database, meter, known, 600)
        frozen.tick(3600 if dead == "expired" else 43200)
        page = roster.list_sessions(OWNER)
        assert (page.sessions, page.next is None) == ((), False)
        calls, read, written = meter.spent
        if dead == "expired":
            assert (calls, written) == (["Query", "BatchGetItem"] * 5, 0)
            assert read <= 260
        else:
            assert (calls, written) == (["Query"] * 5, 0)
            assert read <= 15

    def test_health(self, sessions: SessionService, meter: Meter) -> None:
        sessions.check_health()
        assert meter.spent == (["GetItem", "GetItem"], 1, 0)

    def test_report_is_linear_at_half_price(
        self, sessions: SessionService, report: Callable[[int], ActivityReport], meter: Meter
    ) -> None:
        read = []
        for count in (100, 200):
            for number in range(100):
                sessions.sign_in(OWNER, f"{count} {number}")
            meter.reset()
            assert report(4).count().sessions == count
            calls, units, written = meter.spent
            assert (calls, written) == (["Scan"] * 4, 0)
            read.append(units)

        # Half a unit for each 4 KB, begun ones counted whole in each of 4 segments; an item has some 350 bytes.
        assert all(
            count * 350 / 4096 / 2 * 0.5 <= units <= count * 350 / 4096 / 2 + 4 * 0.5
            for count, units in zip((100, 200), read, strict=True)
        ), read
        assert read[1] <= 2 * read[0]

    def test_report_with_lifecycle_events_deletes_each_expired_session_for_two_units(
        self, sessions: SessionService, database: Database, cloudwatch: Any, meter: Meter, frozen: FrozenClock
    ) -> None:
        for number in range(3):
            sessions.sign_in(OWNER, f"expired {number}")
        frozen.tick(1860)
        sessions.sign_in(OWNER, "live")
        meter.reset()
        settings = replace(database.settings, report_segments=1, lifecycle_events=True)
        report = ActivityReport(database.tables(), cloudwatch, settings)

        assert [(active.sessions, active.deleted) for active in (report.count(), report.count())] == [(1, 3), (1, 0)]

        calls, read, written = meter.spent
        assert (calls, written) == (["Scan", *["DeleteItem"] * 3, "Scan"], 3 * 2)
        assert read == 2 * 0.5
