"""Judging a session by its name: is it live, does its agent still admit it, and recording its use."""

from dataclasses import replace
from typing import Any

from agent_sessions import clock
from agent_sessions.audit import Audit, AuditAction, AuditEntry, AuditReason
from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError, InvalidSessionError
from agent_sessions.metrics import Count, Metric
from agent_sessions.services.handles import SessionName
from agent_sessions.services.session_cache import SessionCache
from agent_sessions.settings import Settings

# A write whose condition fails although a read shows that it would succeed has lost a race. Losing this often
# means that something else is wrong.
MAX_RACES = 5


class Validation:
    """Validates sessions and records use, once per touch interval on the session, rarely on the agent.

    Args:
        tables: Where agents and sessions are stored.
        settings: Intervals and the cutoff.
        cache: Sessions that were validated a moment ago.
        count: Called with a metric for each event.
        audit: Called with an entry for each session that is ended.
        writes_agents: Whether use is recorded on the agent; otherwise the agent is only read.
    """

    def __init__(
        self,
        tables: Tables,
        settings: Settings,
        cache: SessionCache,
        count: Count,
        audit: Audit,
        *,
        writes_agents: bool,
    ) -> None:
        self._tables = tables
        self._settings = settings
        self._cache = cache
        self._count = count
        self._audit = audit
        self._writes_agents = writes_agents

    def expires_at(self, now: int, idle_seconds: int, ends_at: int) -> int:
        """Return when a session used at ``now`` ends: never early, although uses within an interval go unwritten."""
        return min(now + idle_seconds + self._settings.touch_interval, ends_at)

    def validate(self, name: SessionName, *, touch: bool) -> Session:
        """Return the live session of this name; record its use if that is due."""
        now = clock.now()
        session = self._cache.get(name.session_id, now)
        if (
            session is not None
            and self._is_live(session, now)
            and _is_named_by(session, name)
            and not (touch and self._touch_is_due(session, now))
        ):
            return session
        generation = self._cache.generation
        session = self._load_live(name, now)
        if touch and self._touch_is_due(session, now):
            session = self._touch(session, now)
        self._cache.remember(session, now, generation)
        return session

    def report_progress(self, name: SessionName, progress: dict[str, str | None]) -> Session:
        """Write what an agent reports of itself; unlike a touch, this is always written or fails."""
        now = clock.now()
        generation = self._cache.generation
        session = self._load_live(name, now)
        self._heal(session, now)
        for _ in range(MAX_RACES):
            expires_at = self.expires_at(now, session.idle_seconds, session.ends_at)
            move_times = session.last_active <= now
            if self._tables.sessions.report_progress(
                session, now=now, expires_at=expires_at, progress=progress, move_times=move_times
            ):
                break
            session = self._load_live(name, now)
        else:
            raise DatabaseError("UpdateItem")
        changes: dict[str, Any] = dict(progress)
        session = replace(session, progress_at=max(now, session.progress_at or 0), **changes)
        if move_times:
            session = replace(session, last_active=now, expires_at=expires_at)
        self._cache.remember(session, now, generation)
        return session

    def _is_live(self, session: Session, now: int) -> bool:
        return session.is_live(now, self._settings.sessions_not_before)

    def _load_live(self, name: SessionName, now: int) -> Session:
        session = self._tables.sessions.get_session(name.agent_id, name.session_id)
        if session is None or not self._is_live(session, now):
            self._cache.forget(name.session_id)
            raise InvalidSessionError
        if not _is_named_by(session, name):
            raise InvalidSessionError
        return session

    def _touch_is_due(self, session: Session, now: int) -> bool:
        return now - session.last_active >= self._settings.touch_interval

    def _touch(self, session: Session, now: int) -> Session:
        self._heal(session, now)
        try:
            return self._write_touch(session, now)
        except DatabaseError:
            # The session was read and is live: failing to record its use is no reason to reject it.
            self._count(Metric.TOUCH_FAILURES)
            return session

    def _write_touch(self, session: Session, now: int) -> Session:
        for _ in range(MAX_RACES):
            expires_at = self.expires_at(now, session.idle_seconds, session.ends_at)
            if self._tables.sessions.touch_session(session, now=now, expires_at=expires_at):
                self._count(Metric.TOUCHES)
                return replace(session, last_active=now, expires_at=expires_at)
            # It has ended, or was used later than now. Only a read can tell which.
            current = self._tables.sessions.get_session(session.agent_id, session.session_id)
            if current is None or not self._is_live(current, now):
                self._cache.forget(session.session_id)
                raise InvalidSessionError
            if current.last_active > now:
                return current
            session = current
        raise DatabaseError("UpdateItem")

    def _heal(self, session: Session, now: int) -> None:
        """End a session that its agent no longer admits, before the first recorded use in each interval.

        A session that was being written while its agent was blocked, deleted or signed out everywhere survives
        that. So the agent is asked again from time to time, with the write that records when it was last seen.

        Raises:
            InvalidSessionError: the agent does not admit the session; a failure to delete it changes nothing.
        """
        interval = self._settings.last_seen_interval
        if now // interval <= session.last_active // interval:
            return
        try:
            admitted = self._is_admitted(session, now)
        except DatabaseError:
            # The use is recorded all the same, and the agent is asked again in the next interval.
            self._count(Metric.TOUCH_FAILURES)
            return
        if admitted:
            return
        if self._writes_agents:
            try:
                self._tables.sessions.delete_sessions([(session.agent_id, session.session_id)])
            except DatabaseError:
                self._count(Metric.END_FAILURES)
            else:
                self._audit(
                    AuditEntry(
                        action=AuditAction.END_SESSIONS,
                        owner=session.owner,
                        agent_id=session.agent_id,
                        session_ids=[session.session_id],
                        reason=AuditReason.NOT_ADMITTED,
                    )
                )
        self._cache.forget(session.session_id)
        raise InvalidSessionError

    def _is_admitted(self, session: Session, now: int) -> bool:
        for _ in range(MAX_RACES):
            if self._writes_agents and self._tables.agents.record_use(
                session.agent_id,
                now=now,
                incarnation=session.incarnation,
                sign_in_number=session.sign_in_number,
            ):
                return True
            agent = self._tables.agents.get_agent(session.agent_id)
            if agent is None or not agent.admits(session):
                return False
            if not self._writes_agents:
                return True
        raise DatabaseError("UpdateItem")


def _is_named_by(session: Session, name: SessionName) -> bool:
    """Whether a session is one of the owner that named it; a token names its session for anyone who has it."""
    return session.agent_id == name.agent_id and name.owner in (None, session.owner)
