"""What an agent does: sign in with a name, then validate, report progress and sign out."""

from collections.abc import Callable, Mapping
from typing import Self

from agent_sessions import clock
from agent_sessions.audit import Audit, AuditAction, AuditEntry, AuditReason, discard_entry
from agent_sessions.deadline import time_limit
from agent_sessions.domain.identity import Identity
from agent_sessions.domain.metadata import clean_metadata
from agent_sessions.domain.models import MIN_SECONDS, Session, SignedIn
from agent_sessions.domain.progress import clean_progress
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import AgentBlockedError, DatabaseError, FieldError, InvalidSessionError, ValidationError
from agent_sessions.metrics import Count, Metric, discard_count
from agent_sessions.services.ending import end_sessions
from agent_sessions.services.handles import SessionHandle, session_name
from agent_sessions.services.presence import update_last_active
from agent_sessions.services.recognition import recognise
from agent_sessions.services.session_cache import SessionCache
from agent_sessions.services.sweep import sweep
from agent_sessions.services.validation import Validation
from agent_sessions.settings import Settings


class CutoffAheadError(Exception):
    """``SessionsNotBefore`` is in the future, or the clock of this machine is behind."""


class SessionService:
    """Sign-in, validation and sign-out of AI agents.

    Every method raises DatabaseError if DynamoDB throttles, fails or cannot be reached; an outage is never
    reported as "no such session".

    Args:
        tables: Where agents and sessions are stored.
        settings: Timeouts, intervals and limits.
        count: Called with a metric for each event.
        audit: Called with an entry for each session that is ended, and each agent that is refused.
        writes_agents: Whether a validation records use on the agent. A function that only relies on sessions
            reads the agent instead, so its role needs no permission to write agents.
    """

    def __init__(
        self,
        tables: Tables,
        settings: Settings,
        *,
        count: Count = discard_count,
        audit: Audit = discard_entry,
        writes_agents: bool = True,
    ) -> None:
        self.tables = tables
        self._settings = settings
        self._count = count
        self._audit = audit
        self._cache = SessionCache(settings.session_cache)
        self._validation = Validation(tables, settings, self._cache, count, audit, writes_agents=writes_agents)

    @classmethod
    def from_environment(cls, *, count: Count = discard_count) -> Self:
        """Create the service for a function that relies on sessions; its validations write no agent.

        The environment needs AGENTS_TABLE and SESSIONS_TABLE.

        Raises:
            SettingsError: names the variable that is missing or invalid.
        """
        return cls.from_settings(Settings.from_environment(), count=count, writes_agents=False)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        count: Count = discard_count,
        audit: Audit = discard_entry,
        writes_agents: bool = True,
    ) -> Self:
        """Create the service with a connection of its own."""
        return cls(Tables.connect(settings), settings, count=count, audit=audit, writes_agents=writes_agents)

    @time_limit()
    def sign_in(
        self,
        owner: str,
        agent_name: str,
        context: str | None = None,
        *,
        exclusive: bool = False,
        metadata: Mapping[str, str] | None = None,
        idle_seconds: int | None = None,
        lifetime_seconds: int | None = None,
    ) -> SignedIn:
        """Recognise or create the agent, and give it a new session.

        Args:
            owner: The caller, as the gateway verified it.
            agent_name: 1 to 100 characters after trimming.
            context: What the agent works on, 0 to 200 characters; the same name in another context is
                another agent.
            exclusive: End the agent's older sessions. If two such sign-ins race, the later one stays; the
                other returns normally, and its session has ended.
            metadata: Up to 16 pairs of strings that every representation of the session carries.
            idle_seconds: Seconds without use after which the session ends: from 60 to the stack's own value,
                which is the default.
            lifetime_seconds: Seconds after which the session ends however busy it is, within the same bounds.

        Raises:
            ValidationError: names the invalid field and what to change.
            AgentBlockedError: the owner has blocked the agent.
        """
        identity = Identity.of(agent_name, context)
        cleaned = clean_metadata(metadata)
        idle_seconds = _within("idle_seconds", idle_seconds, self._settings.idle_timeout)
        lifetime_seconds = _within("lifetime_seconds", lifetime_seconds, self._settings.lifetime)
        now = clock.now()
        if now < self._settings.sessions_not_before:
            # Its session would be dead at once. The clock, or the parameter, is about to change.
            raise DatabaseError("SignIn") from CutoffAheadError
        try:
            recognised = recognise(self.tables, owner, identity, now=now, exclusive=exclusive)
        except AgentBlockedError as error:
            self._audit(
                AuditEntry(action=AuditAction.REFUSE, owner=owner, agent_id=error.agent_id, reason=AuditReason.BLOCKED)
            )
            raise
        agent = recognised.agent
        ends_at = now + lifetime_seconds
        session = Session(
            agent_id=agent.agent_id,
            session_id=recognised.token.session_id,
            owner=owner,
            agent_name=agent.agent_name,
            context=agent.context,
            created_at=now,
            last_active=now,
            expires_at=self._validation.expires_at(now, idle_seconds, ends_at),
            ends_at=ends_at,
            idle_seconds=idle_seconds,
            sign_in_number=agent.sign_ins,
            incarnation=agent.incarnation or recognised.token.session_id,
            exclusive=exclusive,
            metadata=cleaned,
        )
        if exclusive:
            self._end_older(session, now)
        self.tables.sessions.put_session(session)
        if exclusive:
            self._end_rest(session, now)
        limit = self._settings.max_sessions_per_agent
        swept = sweep(self.tables, agent, session, now=now, limit=limit, count=self._count)
        self._ended(session, swept, AuditReason.LIMIT)
        self._count(Metric.SIGN_INS)
        self._count(Metric.AGENTS_RECOGNISED if recognised.reused else Metric.AGENTS_CREATED)
        return SignedIn(session, recognised.token.secret, recognised.reused)

    def _end_older(self, own: Session, now: int) -> None:
        """End every older session; raise DatabaseError if time runs out, with what was ended staying ended."""
        ended: list[str] = []
        try:
            outcome = end_sessions(
                self.tables, own.agent_id, now=now, ends=lambda each: each.is_older_than(own), record=ended.extend
            )
        finally:
            self._ended(own, ended, AuditReason.EXCLUSIVE)
        if outcome.more:
            raise DatabaseError("BatchWriteItem") from TimeoutError("more sessions than one request can end")

    def _end_rest(self, own: Session, now: int) -> None:
        """End the older sessions that were written meanwhile, and ``own`` if a later exclusive sign-in was.

        Each exclusive sign-in writes first and reads, strongly consistent, afterwards. So of any two that race
        at least one sees the other, and both judge by the same order: one stays. The agent's fence has ended
        the older ones already, so a failure here ends them later, and is only counted.
        """
        is_last = True
        ended: list[str] = []

        def ends(each: Session) -> bool:
            nonlocal is_last
            is_last = is_last and not (each.exclusive and own.is_older_than(each))
            return each.is_older_than(own)

        try:
            end_sessions(self.tables, own.agent_id, now=now, ends=ends, record=ended.extend)
            if not is_last:
                self.tables.sessions.delete_sessions([(own.agent_id, own.session_id)])
                ended.append(own.session_id)
        except DatabaseError:
            self._count(Metric.END_FAILURES)
        finally:
            self._ended(own, ended, AuditReason.EXCLUSIVE)

    def _ended(self, session: Session, session_ids: list[str], reason: AuditReason) -> None:
        """Forget and write down that sessions of the agent of ``session`` were ended."""
        for session_id in session_ids:
            self._cache.forget(session_id)
        if session_ids:
            self._audit(
                AuditEntry(
                    action=AuditAction.END_SESSIONS,
                    owner=session.owner,
                    agent_id=session.agent_id,
                    session_ids=session_ids,
                    reason=reason,
                )
            )

    @time_limit()
    def validate(self, session: str | SessionHandle, *, touch: bool = True) -> Session:
        """Return a live session, and record its use.

        Args:
            session: Its token, as it was presented, or its handle on behalf of its owner.
            touch: Whether to record the use. Without it the call needs ``dynamodb:GetItem`` on the sessions
                alone, and the session ends at its idle timeout unless it is used elsewhere.

        Raises:
            InvalidSessionError: malformed, unknown, expired, ended, or another owner's. A malformed token costs no
                call.
        """
        return self._validated(lambda: self._validation.validate(session_name(session), touch=touch))

    @time_limit()
    def report_progress(self, session: str | SessionHandle, progress: Mapping[str, str | None]) -> Session:
        """Record what the agent reports of itself, which also counts as use; return the session.

        Args:
            session: Its token or its handle, as for ``validate``.
            progress: ``state`` and ``activity``, or one of them; None removes what was reported before.

        Raises:
            ValidationError: names the invalid field and what to change.
            InvalidSessionError: as for ``validate``.
        """
        cleaned = clean_progress(progress)
        return self._validated(lambda: self._validation.report_progress(session_name(session), cleaned))

    def _validated(self, validate: Callable[[], Session]) -> Session:
        try:
            session = validate()
        except InvalidSessionError:
            self._count(Metric.REJECTED_TOKENS)
            raise
        self._count(Metric.VALIDATIONS)
        return session

    @time_limit()
    def sign_out(self, session: str | SessionHandle) -> Session | None:
        """End a session; return it, or None if it had already ended or is not the owner's of the handle.

        Args:
            session: Its token or its handle, as for ``validate``.

        Raises:
            InvalidSessionError: the token is malformed.
        """
        try:
            name = session_name(session)
        except InvalidSessionError:
            self._count(Metric.REJECTED_TOKENS)
            raise
        try:
            deleted = self.tables.sessions.delete_session(name.agent_id, name.session_id, owner=name.owner)
        finally:
            # Afterwards: what a validation read before the deletion must not be remembered.
            self._cache.forget(name.session_id)
        now = clock.now()
        if deleted is None or not deleted.is_live(now, self._settings.sessions_not_before):
            return None
        self._count(Metric.SIGN_OUTS)
        self._ended(deleted, [deleted.session_id], AuditReason.SIGN_OUT)
        update_last_active(self.tables, deleted.agent_id, now, self._count)
        return deleted

    @time_limit()
    def check_health(self) -> None:
        """Read an item of each table; raises DatabaseError if one does not respond."""
        self.tables.agents.ping()
        self.tables.sessions.ping()


def _within(field: str, seconds: int | None, longest: int) -> int:
    if seconds is None:
        return longest
    if not MIN_SECONDS <= seconds <= longest:
        raise ValidationError(FieldError(field, f"{field} must be from {MIN_SECONDS} to {longest}"))
    return seconds
