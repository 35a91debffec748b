"""The guarantees of the services, on moto and on DynamoDB Local."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions import clock
from agent_sessions.deadline import TIME_LIMIT_SECONDS
from agent_sessions.domain.models import Ended, Presence, Session, SignedIn
from agent_sessions.dynamodb.sessions_by_owner import IndexEntry, Position
from agent_sessions.errors import InvalidSessionError, NotFoundError
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.ending import RESERVE_SECONDS
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OTHER_OWNER, OWNER, Database, client_of, fill
from tests.support.tokens import token_of

IDLE, LIFETIME, TOUCH, LAST_SEEN = 1800, 43200, 60, 300
NOBODY = str(uuid.UUID(int=0))

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture(autouse=True)
def start(frozen: FrozenClock) -> int:
    """The start of a last-seen interval."""
    assert frozen.time % LAST_SEEN == 0
    return frozen.time


def signed_in(sessions: SessionService, count: int, *, exclusive: bool = False) -> list[SignedIn]:
    return [sessions.sign_in(OWNER, "Claude", exclusive=exclusive) for _ in range(count)]


def found(agents: AgentService, name: str, context: str | None = None) -> Presence:
    presence = agents.find_agent(OWNER, name, context)
    assert presence
    return presence


class TestSignIn:
    def test_first_sign_in_creates_agent_and_session(
        self, sessions: SessionService, database: Database, start: int
    ) -> None:
        made = sessions.sign_in(OWNER, " Claude ", " Project A ")

        assert not made.reused
        assert made.session == Session(
            agent_id=made.session.agent_id,
            session_id=made.session.session_id,
            owner=OWNER,
            agent_name="Claude",
            context="Project A",
            created_at=start,
            last_active=start,
            expires_at=start + IDLE + TOUCH,
            ends_at=start + LIFETIME,
            idle_seconds=IDLE,
            sign_in_number=1,
            incarnation=made.session.session_id,
        )
        assert database.tables().sessions.get_session(made.session.agent_id, made.session.session_id) == made.session

    @pytest.mark.parametrize("context", [None, "", " ", "default", "DEFAULT"])
    def test_no_context_and_default_are_one_agent(
        self, sessions: SessionService, agents: AgentService, context: str | None
    ) -> None:
        first = sessions.sign_in(OWNER, "Claude")
        again = sessions.sign_in(OWNER, "CLAUDE", context)

        assert again.reused
        assert (again.session.agent_id, again.session.agent_name) == (first.session.agent_id, "Claude")
        assert again.session.context is None
        assert found(agents, "claude", context).agent.context is None

        other = sessions.sign_in(OWNER, "Other", "Default")
        assert sessions.sign_in(OWNER, "Other").session.context == "Default"
        assert other.session.context == "Default"

    def test_two_owners_have_two_agents(self, sessions: SessionService) -> None:
        mine, theirs = (sessions.sign_in(owner, "Claude") for owner in (OWNER, OTHER_OWNER))

        assert mine.session.agent_id != theirs.session.agent_id
        assert not theirs.reused

    def test_imported_agent_is_reused_at_its_first_sign_in(
        self, sessions: SessionService, agents: AgentService, database: Database
    ) -> None:
        imported = str(uuid.UUID(int=11))
        database.import_agent(imported, OWNER, "veteran:default", at=1_500_000_000)

        made = sessions.sign_in(OWNER, "VETERAN")

        assert (made.session.agent_id, made.session.agent_name, made.reused) == (imported, "Veteran", True)
        assert sessions.validate(made.session_token) == made.session
        assert found(agents, "veteran").agent.created_at == 1_500_000_000

    def test_deleted_imported_agent_in_the_index_is_not_revived(
        self, sessions: SessionService, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        imported = str(uuid.UUID(int=11))
        monkeypatch.setattr(sessions.tables.agents, "find_agent_ids", lambda *_: [imported])

        made = [sessions.sign_in(OWNER, "Veteran") for _ in range(2)]

        assert [each.reused for each in made] == [False, True]
        assert len({each.session.agent_id for each in made} - {imported}) == 1
        assert database.agent_item(imported) == {}

    def test_exclusive_sign_in_ends_all_older_sessions_of_the_agent(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock
    ) -> None:
        other = sessions.sign_in(OWNER, "Other")
        older = signed_in(sessions, 60)
        frozen.tick(1)

        (newest,) = signed_in(sessions, 1, exclusive=True)

        assert [each.session_id for each in agents.list_sessions(OWNER, newest.session.agent_id).sessions] == [
            newest.session.session_id
        ]
        for each in older:
            with pytest.raises(InvalidSessionError):
                sessions.validate(each.session_token)
        assert sessions.validate(other.session_token)

    @pytest.mark.parametrize("behind", [0, 1, 3600])
    def test_later_exclusive_sign_in_stays_despite_clock_skew(
        self, sessions: SessionService, frozen: FrozenClock, behind: int
    ) -> None:
        (earlier,) = signed_in(sessions, 1, exclusive=True)
        frozen.tick(-behind)
        (later,) = signed_in(sessions, 1, exclusive=True)

        with pytest.raises(InvalidSessionError):
            sessions.validate(earlier.session_token)
        assert sessions.validate(later.session_token) == later.session


class TestValidate:
    def test_touch_is_written_in_the_second_of_its_interval(
        self, sessions: SessionService, frozen: FrozenClock
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        frozen.tick(TOUCH - 1)
        assert sessions.validate(made.session_token) == made.session
        frozen.tick(1)

        touched = sessions.validate(made.session_token)

        moved = replace(made.session, last_active=frozen.time, expires_at=frozen.time + IDLE + TOUCH)
        assert touched == moved
        assert sessions.validate(made.session_token) == moved, "the response equals the item"

    def test_idle_session_ends_at_most_an_interval_late(self, sessions: SessionService, frozen: FrozenClock) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        frozen.tick(TOUCH - 1)
        sessions.validate(made.session_token)  # too soon to be written
        frozen.tick(IDLE)
        used = sessions.validate(made.session_token)
        frozen.tick(IDLE + TOUCH - 1)
        assert sessions.validate(made.session_token).session_id == used.session_id

        frozen.tick(IDLE + TOUCH)
        with pytest.raises(InvalidSessionError):
            sessions.validate(made.session_token)

    def test_session_in_use_ends_with_its_lifetime(
        self, sessions: SessionService, frozen: FrozenClock, start: int
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        while frozen.time < start + LIFETIME - IDLE:
            frozen.tick(IDLE)
            last = sessions.validate(made.session_token)
        assert last.expires_at == last.ends_at == start + LIFETIME

        frozen.time = start + LIFETIME - 1
        assert sessions.validate(made.session_token).expires_at == start + LIFETIME
        frozen.tick(1)
        with pytest.raises(InvalidSessionError):
            sessions.validate(made.session_token)

    def test_deleted_expired_or_unknown_session_is_an_error(
        self, sessions: SessionService, frozen: FrozenClock
    ) -> None:
        expired, ended = signed_in(sessions, 2)
        sessions.sign_out(ended.session_token)
        frozen.tick(IDLE + TOUCH)

        for token in (expired.session_token, ended.session_token, token_of(bytes(32)), "", "x"):
            with pytest.raises(InvalidSessionError):
                sessions.validate(token)


class TestSignOut:
    def test_sign_out_ends_one_session_once(self, sessions: SessionService, agents: AgentService) -> None:
        one, other = signed_in(sessions, 2)

        assert sessions.sign_out(one.session_token) == one.session
        assert sessions.sign_out(one.session_token) is None
        assert agents.list_sessions(OWNER, one.session.agent_id).sessions == (other.session,)

    def test_sign_out_of_expired_session_returns_none(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock, start: int
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        frozen.tick(IDLE + TOUCH)

        assert sessions.sign_out(made.session_token) is None
        assert agents.get_agent(OWNER, made.session.agent_id).agent.last_active == start, "that is no use"


class TestPresence:
    def test_presence_counts_live_sessions_to_the_second(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        frozen.tick(1)
        sessions.sign_in(OWNER, "Claude")
        counts = []
        for seconds in (0, IDLE + TOUCH - 2, 1, 1):
            frozen.tick(seconds)
            counts.append(agents.get_agent(OWNER, made.session.agent_id).active_sessions)

        assert counts == [2, 2, 1, 0]

    def test_last_active_is_written_by_the_first_use_in_five_minutes(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock, start: int
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        shown = []
        for second in (TOUCH, LAST_SEEN - TOUCH, LAST_SEEN, LAST_SEEN + TOUCH, 2 * LAST_SEEN):
            frozen.time = start + second
            sessions.validate(made.session_token)
            shown.append(agents.get_agent(OWNER, made.session.agent_id).agent.last_active - start)

        assert shown == [0, 0, LAST_SEEN, LAST_SEEN, 2 * LAST_SEEN]

    def test_agent_is_found_before_the_index_shows_it(
        self, sessions: SessionService, agents: AgentService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude", "Project A")
        presence = found(agents, "claude", "PROJECT A")
        assert (presence.agent.agent_id, presence.active_sessions) == (made.session.agent_id, 1)

        monkeypatch.setattr(agents.tables.agents, "find_agent_ids", lambda *_: [])
        assert found(agents, "claude", "PROJECT A") == presence

    @pytest.mark.parametrize("agent_id", [NOBODY, "", "x", "ÿ" * 2000])
    def test_unknown_agent_is_not_found(self, agents: AgentService, agent_id: str) -> None:
        asked: list[Callable[[], object]] = [
            lambda: agents.get_agent(OWNER, agent_id),
            lambda: agents.list_sessions(OWNER, agent_id),
            lambda: agents.end_all_sessions(OWNER, agent_id),
            lambda: agents.end_session(OWNER, agent_id, NOBODY),
            lambda: agents.request_stop(OWNER, agent_id, NOBODY, "reason"),
            lambda: agents.block(OWNER, agent_id),
            lambda: agents.unblock(OWNER, agent_id),
            lambda: agents.delete(OWNER, agent_id),
        ]
        for each in asked:
            with pytest.raises(NotFoundError):
                each()
        assert agents.find_agent(OWNER, "nobody") is None

    def test_agent_of_another_owner_is_not_found(self, sessions: SessionService, agents: AgentService) -> None:
        made = sessions.sign_in(OTHER_OWNER, "Claude")
        agent_id, session_id = made.session.agent_id, made.session.session_id
        asked: list[Callable[[], object]] = [
            lambda: agents.get_agent(OWNER, agent_id),
            lambda: agents.list_sessions(OWNER, agent_id),
            lambda: agents.end_all_sessions(OWNER, agent_id),
            lambda: agents.end_session(OWNER, agent_id, session_id),
            lambda: agents.request_stop(OWNER, agent_id, session_id, "reason"),
            lambda: agents.block(OWNER, agent_id),
            lambda: agents.unblock(OWNER, agent_id),
            lambda: agents.delete(OWNER, agent_id),
        ]
        for each in asked:
            with pytest.raises(NotFoundError):
                each()
        assert agents.find_agent(OWNER, "Claude") is None
        assert not agents.get_agent(OTHER_OWNER, agent_id).agent.blocked
        assert sessions.validate(made.session_token) == made.session


class TestList:
    @pytest.mark.parametrize("limit", [1, 3, 7, 8, 100])
    def test_pages_contain_every_live_session_once(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock, limit: int
    ) -> None:
        signed_in(sessions, 5)  # will have expired: they lie between the live ones
        frozen.tick(IDLE + TOUCH)
        live = sorted(signed_in(sessions, 7), key=lambda each: each.session.session_id)
        agent_id = live[0].session.agent_id

        listed: list[Session] = []
        pages, after = 0, None
        while pages == 0 or after:
            page = agents.list_sessions(OWNER, agent_id, limit=limit, after=after)
            assert len(page.sessions) <= limit
            listed += page.sessions
            pages, after = pages + 1, page.next

        assert listed == [each.session for each in live]
        assert pages == -(-len(live) // limit), "no page is empty"

    def test_page_continues_after_an_ended_session(self, sessions: SessionService, agents: AgentService) -> None:
        live = sorted(signed_in(sessions, 4), key=lambda each: each.session.session_id)
        agent_id = live[0].session.agent_id
        page = agents.list_sessions(OWNER, agent_id, limit=2)
        sessions.sign_out(live[1].session_token)

        assert agents.list_sessions(OWNER, agent_id, limit=2, after=page.next).sessions == (
            live[2].session,
            live[3].session,
        )


class TestRoster:
    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 100])
    def test_pages_contain_every_live_session_once(
        self, sessions: SessionService, roster: RosterService, limit: int
    ) -> None:
        live = [sessions.sign_in(OWNER, name).session for name in ("Ada", "Bob") for _ in range(3)]
        sessions.sign_in(OTHER_OWNER, "Ada")

        listed: list[Session] = []
        pages, after = 0, None
        while pages == 0 or after:
            page = roster.list_sessions(OWNER, limit=limit, after=after)
            assert len(page.sessions) <= limit
            listed += page.sessions
            agent_id, _, session_id = (page.next or "").partition("/")
            pages, after = pages + 1, (agent_id, session_id) if page.next else None

        assert sorted(listed, key=lambda each: each.session_id) == sorted(live, key=lambda each: each.session_id)
        # An index does not order entries of one agent_id.
        assert [each.agent_id for each in listed] == sorted(each.agent_id for each in live)
        assert pages == -(-len(live) // limit), "no page is empty"

    def test_page_continues_after_an_ended_session(self, sessions: SessionService, roster: RosterService) -> None:
        made = {each.session.session_id: each for each in signed_in(sessions, 4)}
        page = roster.list_sessions(OWNER, limit=2)
        agent_id, _, session_id = (page.next or "").partition("/")
        sessions.sign_out(made[session_id].session_token)

        rest = roster.list_sessions(OWNER, after=(agent_id, session_id)).sessions
        assert {each.session_id for each in (*page.sessions, *rest)} == made.keys()
        assert len(rest) == 2

    def test_session_that_has_another_owner_by_now_is_left_out(
        self, sessions: SessionService, roster: RosterService, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = (sessions.sign_in(OWNER, name).session for name in ("Ada", "Bob"))
        page = roster.tables.sessions_by_owner.page

        def outdated(*arguments: Any, **options: Any) -> tuple[list[IndexEntry], Position | None]:
            entries = page(*arguments, **options)
            fill(database, [replace(other, owner=OTHER_OWNER)])
            return entries

        monkeypatch.setattr(roster.tables.sessions_by_owner, "page", outdated)
        assert roster.list_sessions(OWNER).sessions == (one,)


class TestEnd:
    def test_end_session_twice_is_no_error(self, sessions: SessionService, agents: AgentService) -> None:
        one, other = signed_in(sessions, 2)
        for _ in range(2):
            agents.end_session(OWNER, one.session.agent_id, one.session.session_id)

        assert agents.list_sessions(OWNER, one.session.agent_id).sessions == (other.session,)

    def test_agent_keeps_the_last_use_of_an_ended_session(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude")
        frozen.tick(TOUCH)
        used = sessions.validate(made.session_token)
        frozen.tick(TOUCH - 1)

        agents.end_session(OWNER, used.agent_id, used.session_id)

        assert agents.get_agent(OWNER, used.agent_id).agent.last_active == used.last_active

    @pytest.mark.parametrize("deleted", [False, True])
    def test_end_of_expired_session_changes_nothing(
        self, sessions: SessionService, agents: AgentService, database: Database, frozen: FrozenClock, deleted: bool
    ) -> None:
        made = sessions.sign_in(OWNER, "Claude").session
        frozen.tick(TOUCH)
        database.tables().sessions.touch_session(made, now=frozen.time, expires_at=frozen.time + 1)
        frozen.tick(1)
        before = agents.get_agent(OWNER, made.agent_id)
        if deleted:
            database.tables().sessions.delete_session(made.agent_id, made.session_id)

        agents.end_session(OWNER, made.agent_id, made.session_id)

        assert agents.get_agent(OWNER, made.agent_id) == before

    def test_end_all_counts_only_live_sessions(
        self, sessions: SessionService, agents: AgentService, frozen: FrozenClock
    ) -> None:
        other = sessions.sign_in(OWNER, "Other")
        signed_in(sessions, 3)
        frozen.tick(IDLE)
        sessions.validate(other.session_token)
        frozen.tick(TOUCH)
        live = signed_in(sessions, 60)
        agent_id = live[0].session.agent_id

        assert agents.end_all_sessions(OWNER, agent_id) == Ended(60, more=False)
        assert agents.end_all_sessions(OWNER, agent_id) == Ended(0, more=False)
        assert agents.get_agent(OWNER, agent_id).active_sessions == 0
        assert sessions.validate(other.session_token)

    def test_end_all_continues_after_the_deadline(
        self, sessions: SessionService, agents: AgentService, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        live = signed_in(sessions, 60)
        agent_id = live[0].session.agent_id
        seconds = [0.0]
        monkeypatch.setattr(clock, "monotonic", lambda: seconds[0])

        def pass_time(**_: object) -> None:
            seconds[0] += (TIME_LIMIT_SECONDS - RESERVE_SECONDS) / 1.5

        client_of(agents.tables).meta.events.register("after-call.dynamodb.BatchWriteItem", pass_time)

        ended = [agents.end_all_sessions(OWNER, agent_id) for _ in range(2)]

        assert ended == [Ended(50, more=True), Ended(10, more=False)]


class TestReport:
    @pytest.mark.parametrize("segments", [1, 4])
    def test_report_counts_live_sessions_to_the_second(
        self, sessions: SessionService, report: Callable[[int], ActivityReport], frozen: FrozenClock, segments: int
    ) -> None:
        count = report(segments).count
        counts = [count()]
        for number in range(12):
            for _ in range(number % 3 + 1):
                made = sessions.sign_in(OWNER, f"Agent {number}")
            frozen.tick(number == 5)
        counts.append(count())
        sessions.sign_out(made.session_token)
        counts.append(count())
        for seconds in (IDLE + TOUCH - 2, 1, 1):
            frozen.tick(seconds)
            counts.append(count())

        assert [(each.sessions, each.agents) for each in counts] == [
            (0, 0),
            (24, 12),
            (23, 12),
            (23, 12),
            (11, 6),
            (0, 0),
        ]


def test_health_check_reads_both_tables(sessions: SessionService) -> None:
    sessions.check_health()
