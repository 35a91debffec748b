"""An agent has at most so many sessions, on moto and on DynamoDB Local."""

from dataclasses import replace
from typing import Any

import pytest

from agent_sessions.audit import AuditEntry
from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.errors import DatabaseError, InvalidSessionError
from agent_sessions.metrics import Metric
from agent_sessions.services.sessions import SessionService
from agent_sessions.services.sweep import MAX_DELETIONS, SIGN_INS_PER_SWEEP
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, fill
from tools.cloudformation import whole_number_bounds

LIMIT = 5

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def counted() -> list[Metric]:
    return []


@pytest.fixture
def audited() -> list[AuditEntry]:
    return []


@pytest.fixture
def sessions(database: Database, counted: list[Metric], audited: list[AuditEntry]) -> SessionService:
    settings = replace(database.settings, max_sessions_per_agent=LIMIT)
    return SessionService(database.tables(), settings, count=counted.append, audit=audited.append)


def stored(database: Database, made: SignedIn) -> list[Session]:
    found, more = database.tables().sessions.first_sessions_of(made.session.agent_id, limit=1000)
    assert not more
    return list(found)


def older(database: Database, sessions: SessionService, count: int, **changes: Any) -> SignedIn:
    """Sign in once, and write more sessions of earlier sign-ins, so that the next sign-in sweeps."""
    made = sessions.sign_in(OWNER, "Claude")
    more = [
        replace(made.session, session_id=f"00000000-0000-8000-8000-{number:012}", sign_in_number=number, **changes)
        for number in range(2, count + 1)
    ]
    fill(database, more)
    database.count_sign_ins(made.session.agent_id, max(count, SIGN_INS_PER_SWEEP))
    return made


@pytest.mark.parametrize("count", [15, 16, 17, 40])
def test_agent_has_at_most_the_limit_and_16_sessions(sessions: SessionService, database: Database, count: int) -> None:
    for _ in range(count):
        made = sessions.sign_in(OWNER, "Claude")
    left = stored(database, made)
    assert len(left) <= LIMIT + SIGN_INS_PER_SWEEP - 1
    assert len(left) == (count if count < SIGN_INS_PER_SWEEP else LIMIT + count % SIGN_INS_PER_SWEEP)
    assert made.session in left


def test_150_sign_ins_leave_at_most_the_default_limit_and_16(database: Database) -> None:
    sessions = SessionService(database.tables(), database.settings)
    for _ in range(150):
        made = sessions.sign_in(OWNER, "Claude")
    assert len(stored(database, made)) <= database.settings.max_sessions_per_agent + SIGN_INS_PER_SWEEP


def test_largest_limit_of_the_template_is_kept(database: Database) -> None:
    _, limit = whole_number_bounds("MaxSessionsPerAgent")
    sessions = SessionService(database.tables(), replace(database.settings, max_sessions_per_agent=limit))
    older(database, sessions, limit + 10)
    made = sessions.sign_in(OWNER, "Claude")
    assert len(stored(database, made)) == limit


def test_limit_of_0_ends_nothing(database: Database) -> None:
    sessions = SessionService(database.tables(), replace(database.settings, max_sessions_per_agent=0))
    for _ in range(2 * SIGN_INS_PER_SWEEP):
        made = sessions.sign_in(OWNER, "Claude")
    assert len(stored(database, made)) == 2 * SIGN_INS_PER_SWEEP


def test_least_recently_used_sessions_are_ended(
    sessions: SessionService, database: Database, frozen: FrozenClock
) -> None:
    made = [sessions.sign_in(OWNER, "Claude") for _ in range(SIGN_INS_PER_SWEEP - 1)]
    frozen.tick(60)
    used = made[3:13:3]  # as many as the limit leaves beside the next one
    for each in used:
        sessions.validate(each.session_token)
    made.append(sessions.sign_in(OWNER, "Claude"))
    left = {each.session_id for each in stored(database, made[-1])}
    assert left == {each.session.session_id for each in (*used, made[-1])}


def test_session_of_a_later_sign_in_is_kept_whatever_its_clock(
    sessions: SessionService, database: Database, frozen: FrozenClock
) -> None:
    first = older(database, sessions, LIMIT)
    # A sign-in that overtakes this one, on a container whose clock is behind.
    later = replace(
        first.session,
        session_id="00000000-0000-8000-8000-999999999999",
        sign_in_number=10 * SIGN_INS_PER_SWEEP,
        last_active=frozen.time - 60,
    )
    fill(database, [later])
    made = sessions.sign_in(OWNER, "Claude")
    left = stored(database, made)
    assert later in left
    assert len(left) == LIMIT


def test_session_that_is_used_during_the_sweep_is_kept(
    sessions: SessionService, database: Database, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = older(database, sessions, LIMIT, last_active=frozen.time + 1)
    frozen.tick(60)
    user = SessionService(database.tables(), database.settings)
    delete = sessions.tables.sessions.delete_unused_session

    def delete_after_a_use(session: Session) -> bool:
        assert session == first.session, "the least recently used one"
        user.validate(first.session_token)
        return delete(session)

    monkeypatch.setattr(sessions.tables.sessions, "delete_unused_session", delete_after_a_use)
    made = sessions.sign_in(OWNER, "Claude")
    left = stored(database, made)
    assert replace(first.session, last_active=frozen.time, expires_at=frozen.time + 1860) in left
    assert len(left) == LIMIT + 1


def test_sweep_ends_50_sessions_and_the_next_one_continues(sessions: SessionService, database: Database) -> None:
    older(database, sessions, 2 * MAX_DELETIONS)
    made = sessions.sign_in(OWNER, "Claude")
    assert len(stored(database, made)) == MAX_DELETIONS + 1
    for _ in range(SIGN_INS_PER_SWEEP):
        sessions.sign_in(OWNER, "Claude")
    assert len(stored(database, made)) == SIGN_INS_PER_SWEEP + 1


@pytest.mark.parametrize(("expired", "left"), [(2 * LIMIT - 1, 2 * LIMIT), (2 * LIMIT, 2), (MAX_DELETIONS + 11, 12)])
def test_expired_sessions_are_deleted_only_if_they_pile_up(
    sessions: SessionService, database: Database, frozen: FrozenClock, expired: int, left: int
) -> None:
    made = older(database, sessions, expired, expires_at=frozen.time)
    sessions.sign_in(OWNER, "Claude")
    assert len(stored(database, made)) == left


@pytest.mark.parametrize("failing", ["claim_sweep", "first_sessions_of", "delete_unused_session"])
def test_failed_sweep_is_counted_and_the_sign_in_succeeds(
    sessions: SessionService,
    database: Database,
    counted: list[Metric],
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
) -> None:
    older(database, sessions, LIMIT + 3)
    counted.clear()

    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("UpdateItem")

    table = sessions.tables.agents if failing == "claim_sweep" else sessions.tables.sessions
    monkeypatch.setattr(table, failing, fail)
    made = sessions.sign_in(OWNER, "Claude")
    assert sessions.validate(made.session_token) == made.session
    assert counted == [Metric.SWEEP_FAILURES, Metric.SIGN_INS, Metric.AGENTS_RECOGNISED, Metric.VALIDATIONS]


def test_sweep_that_fails_later_audits_what_it_ended(
    sessions: SessionService, database: Database, audited: list[AuditEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    older(database, sessions, LIMIT + 3)
    delete = sessions.tables.sessions.delete_unused_session
    deleted: list[str] = []

    def fail_at_the_third(session: Session) -> bool:
        if len(deleted) == 2:
            raise DatabaseError("DeleteItem")
        deleted.append(session.session_id)
        return delete(session)

    monkeypatch.setattr(sessions.tables.sessions, "delete_unused_session", fail_at_the_third)
    sessions.sign_in(OWNER, "Claude")
    assert [entry.session_ids for entry in audited] == [deleted]


def test_container_that_sweeps_forgets_the_ended_session(database: Database, frozen: FrozenClock) -> None:
    settings = replace(database.settings, max_sessions_per_agent=LIMIT, session_cache=3600)
    sessions = SessionService(database.tables(), settings)
    first = older(database, sessions, LIMIT, last_active=frozen.time + 1)
    assert sessions.validate(first.session_token) == first.session
    sessions.sign_in(OWNER, "Claude")
    with pytest.raises(InvalidSessionError):
        sessions.validate(first.session_token)
