"""Blocking, deleting and stopping agents, and healing what they missed, on moto and on DynamoDB Local."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent_sessions.domain.models import Ended, Session, SignedIn, StopRequest
from agent_sessions.dynamodb.transport import DynamoResponse, Request
from agent_sessions.errors import AgentBlockedError, DatabaseError, InvalidSessionError, NotFoundError
from agent_sessions.metrics import Metric
from agent_sessions.services.agents import AgentService
from agent_sessions.services.handles import SessionHandle
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database

IDLE, TOUCH, LAST_SEEN = 1800, 60, 300

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def made(sessions: SessionService, frozen: FrozenClock) -> SignedIn:
    """An agent that signed in at the beginning of five minutes."""
    assert frozen.time % LAST_SEEN == 0
    return sessions.sign_in(OWNER, "Claude")


def is_live(sessions: SessionService, made: SignedIn) -> bool:
    try:
        sessions.validate(made.session_token)
    except InvalidSessionError:
        return False
    return True


def stored(database: Database, session: Session) -> Session | None:
    return database.tables().sessions.get_session(session.agent_id, session.session_id)


class TestBlock:
    def test_block_ends_sessions_and_refuses_sign_ins(
        self, sessions: SessionService, agents: AgentService, made: SignedIn
    ) -> None:
        presence = agents.block(OWNER, made.session.agent_id)
        assert (presence.agent.blocked, presence.active_sessions) == (True, 0)
        assert not is_live(sessions, made)
        for exclusive in (False, True):
            with pytest.raises(AgentBlockedError):
                sessions.sign_in(OWNER, "Claude", exclusive=exclusive)
        assert agents.get_agent(OWNER, made.session.agent_id) == presence, "a refused sign-in writes nothing"

    def test_block_twice_changes_nothing(self, agents: AgentService, made: SignedIn) -> None:
        assert agents.block(OWNER, made.session.agent_id) == agents.block(OWNER, made.session.agent_id)

    def test_unblocked_agent_signs_in_and_its_old_sessions_stay_ended(
        self, sessions: SessionService, agents: AgentService, made: SignedIn
    ) -> None:
        agents.block(OWNER, made.session.agent_id)
        assert not agents.unblock(OWNER, made.session.agent_id).agent.blocked
        again = sessions.sign_in(OWNER, "Claude")
        assert (again.session.agent_id, again.reused) == (made.session.agent_id, True)
        assert [is_live(sessions, each) for each in (made, again)] == [False, True]

    def test_unblock_of_an_agent_that_is_not_blocked_changes_nothing(
        self, sessions: SessionService, agents: AgentService, made: SignedIn
    ) -> None:
        before = agents.get_agent(OWNER, made.session.agent_id)
        assert agents.unblock(OWNER, made.session.agent_id) == before
        assert is_live(sessions, made)


class TestDelete:
    def test_deleted_agent_looks_as_if_it_never_existed(
        self, sessions: SessionService, agents: AgentService, database: Database, made: SignedIn
    ) -> None:
        agents.delete(OWNER, made.session.agent_id)
        assert database.agent_item(made.session.agent_id) == {}
        assert stored(database, made.session) is None
        assert agents.find_agent(OWNER, "Claude") is None
        with pytest.raises(NotFoundError):
            agents.delete(OWNER, made.session.agent_id)

    def test_deleted_agent_that_signs_in_again_is_new(
        self, sessions: SessionService, agents: AgentService, made: SignedIn, frozen: FrozenClock
    ) -> None:
        agents.delete(OWNER, made.session.agent_id)
        frozen.tick(1)
        again = sessions.sign_in(OWNER, "CLAUDE")
        assert (again.reused, again.session.agent_id) == (False, made.session.agent_id)
        assert (again.session.agent_name, again.session.sign_in_number) == ("CLAUDE", 1)
        assert again.session.incarnation == again.session.session_id

    def test_deletion_of_an_agent_that_is_unblocked_meanwhile_fails_and_keeps_it(
        self, agents: AgentService, database: Database, made: SignedIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        delete = agents.tables.agents.delete_agent

        def unblock_first(agent: object) -> bool:
            database.tables().agents.unblock(made.session.agent_id, OWNER)
            return delete(agent)  # type: ignore[arg-type]

        monkeypatch.setattr(agents.tables.agents, "delete_agent", unblock_first)
        with pytest.raises(DatabaseError):
            agents.delete(OWNER, made.session.agent_id)
        assert not agents.get_agent(OWNER, made.session.agent_id).agent.blocked


class TestStopRequest:
    def test_next_validation_says_so_until_it_is_withdrawn(
        self, sessions: SessionService, agents: AgentService, made: SignedIn, frozen: FrozenClock
    ) -> None:
        agent_id, session_id = made.session.agent_id, made.session.session_id
        frozen.tick(1)
        returned = agents.request_stop(OWNER, agent_id, session_id, " Budget  used up ")
        assert returned == replace(made.session, stop_requested=StopRequest("Budget used up", frozen.time))
        assert sessions.validate(made.session_token) == returned
        assert agents.request_stop(OWNER, agent_id, session_id, None) == made.session
        assert sessions.validate(made.session_token) == made.session

    def test_request_survives_touch_and_progress(
        self, sessions: SessionService, agents: AgentService, made: SignedIn, frozen: FrozenClock
    ) -> None:
        agents.request_stop(OWNER, made.session.agent_id, made.session.session_id, "reason")
        request = StopRequest("reason", frozen.time)
        frozen.tick(LAST_SEEN)
        assert sessions.validate(made.session_token).stop_requested == request
        assert sessions.report_progress(made.session_token, {"state": "idle"}).stop_requested == request
        assert sessions.validate(made.session_token).state == "idle"

    @pytest.mark.parametrize("after", [IDLE + TOUCH, 0])
    def test_ended_session_is_not_found(
        self, sessions: SessionService, agents: AgentService, made: SignedIn, frozen: FrozenClock, after: int
    ) -> None:
        frozen.tick(after)
        if not after:
            sessions.sign_out(made.session_token)
        with pytest.raises(NotFoundError):
            agents.request_stop(OWNER, made.session.agent_id, made.session.session_id, "reason")


type Use = Callable[[SessionService, SignedIn], object]
USES: dict[str, Use] = {
    "validate": lambda sessions, made: sessions.validate(made.session_token),
    "progress": lambda sessions, made: sessions.report_progress(made.session_token, {"state": "working"}),
    "handle": lambda sessions, made: sessions.validate(handle_of(made)),
    "progress by handle": lambda sessions, made: sessions.report_progress(handle_of(made), {"state": "working"}),
}


def handle_of(made: SignedIn) -> SessionHandle:
    return SessionHandle(made.session.agent_id, made.session.session_id, OWNER)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
class TestHealing:
    """A session that was being written while its agent was ended is dead at the agent's next write."""

    @pytest.fixture(params=["end-all", "block", "block and unblock", "delete", "delete and sign in", "by hand"])
    def missed(
        self,
        request: pytest.FixtureRequest,
        sessions: SessionService,
        agents: AgentService,
        database: Database,
        made: SignedIn,
    ) -> SignedIn:
        """A session whose item is written after its agent was ended."""
        agent_id = made.session.agent_id
        match request.param:
            case "end-all":
                assert agents.end_all_sessions(OWNER, agent_id) == Ended(1, more=False)
            case "block":
                agents.block(OWNER, agent_id)
            case "block and unblock":
                agents.block(OWNER, agent_id)
                agents.unblock(OWNER, agent_id)
            case "delete":
                agents.delete(OWNER, agent_id)
            case "delete and sign in":
                agents.delete(OWNER, agent_id)
                for _ in range(3):
                    sessions.sign_in(OWNER, "Claude")
            case _:
                database.delete_agent(agent_id)
        database.tables().sessions.put_session(made.session)
        return made

    def test_session_is_dead_and_deleted_at_the_first_use_in_the_next_interval(
        self, use: Use, sessions: SessionService, database: Database, missed: SignedIn, frozen: FrozenClock
    ) -> None:
        frozen.tick(LAST_SEEN - TOUCH)
        use(sessions, missed)
        frozen.tick(TOUCH)
        with pytest.raises(InvalidSessionError):
            use(sessions, missed)
        assert stored(database, missed.session) is None

    def test_function_that_writes_no_agent_rejects_it_and_deletes_nothing(
        self, use: Use, database: Database, missed: SignedIn, frozen: FrozenClock
    ) -> None:
        relying = SessionService(database.tables(), database.settings, writes_agents=False)
        frozen.tick(LAST_SEEN)
        with pytest.raises(InvalidSessionError):
            use(relying, missed)
        assert stored(database, missed.session) == missed.session

    def test_session_is_rejected_although_it_cannot_be_deleted(
        self, use: Use, database: Database, missed: SignedIn, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted: list[Metric] = []
        sessions = SessionService(database.tables(), database.settings, count=counted.append)

        def fail(_: object) -> None:
            raise DatabaseError("BatchWriteItem")

        monkeypatch.setattr(sessions.tables.sessions, "delete_sessions", fail)
        frozen.tick(LAST_SEEN)
        with pytest.raises(InvalidSessionError):
            use(sessions, missed)
        assert stored(database, missed.session) == missed.session, "and not touched"
        assert counted == [Metric.END_FAILURES, Metric.REJECTED_TOKENS]

    def test_failed_agent_write_leaves_healing_to_the_next_interval(
        self, use: Use, database: Database, missed: SignedIn, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted: list[Metric] = []
        sessions = SessionService(database.tables(), database.settings, count=counted.append)

        def fail(*_: object, **__: object) -> bool:
            raise DatabaseError("UpdateItem")

        with monkeypatch.context() as patch:
            patch.setattr(sessions.tables.agents, "record_use", fail)
            frozen.tick(LAST_SEEN)
            use(sessions, missed)
        assert Metric.TOUCH_FAILURES in counted
        frozen.tick(LAST_SEEN)
        with pytest.raises(InvalidSessionError):
            use(sessions, missed)

    def test_sessions_due_in_one_second_all_stay(
        self, use: Use, sessions: SessionService, made: SignedIn, frozen: FrozenClock
    ) -> None:
        others = [sessions.sign_in(OWNER, "Claude") for _ in range(3)]
        frozen.tick(LAST_SEEN)
        for each in (made, *others):
            use(sessions, each)
        frozen.tick(LAST_SEEN)
        assert all(is_live(sessions, each) for each in (made, *others))

    def test_use_whose_responses_are_lost_succeeds(
        self, use: Use, database: Database, made: SignedIn, frozen: FrozenClock
    ) -> None:
        """botocore repeats a call whose response was lost; then its own first attempt may fail the condition."""
        tables = database.tables()
        call = tables.sessions.transport

        def twice(operation: str, request: Request) -> DynamoResponse:
            call(operation, request)
            return call(operation, request)

        sessions = SessionService(database.tables(twice), database.settings)
        frozen.tick(LAST_SEEN)
        use(sessions, made)
        assert is_live(sessions, made)
