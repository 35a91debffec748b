"""What an agent does: sign in with a name, validate and sign out with a token."""

from dataclasses import replace
from typing import Self

from agent_sessions import clock
from agent_sessions.deadline import time_limit
from agent_sessions.domain import identity
from agent_sessions.domain.identity import Identity
from agent_sessions.domain.models import Agent, Session, SignedIn
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError, InvalidSessionError
from agent_sessions.metrics import Count, Metric, discard_count
from agent_sessions.services.presence import update_last_active
from agent_sessions.services.session_cache import SessionCache
from agent_sessions.settings import Settings


class SessionService:
    """Sign-in, validation and sign-out of AI agents.

    Every method raises DatabaseError where DynamoDB throttles, fails or cannot be reached; "the
    database is down" is never answered as "no such session".

    Args:
        tables: Where agents and sessions are stored.
        settings: Timeouts and intervals.
        count: Called with a metric for each event.
    """

    def __init__(self, tables: Tables, settings: Settings, *, count: Count = discard_count) -> None:
        self.tables = tables
        self._settings = settings
        self._count = count
        self._cache = SessionCache(settings.session_cache)

    @classmethod
    def from_environment(cls, *, count: Count = discard_count) -> Self:
        """Create the service from the environment that template.yaml sets.

        Raises:
            SettingsError: names the variable that is missing or invalid.
        """
        return cls.from_settings(Settings.from_environment(), count=count)

    @classmethod
    def from_settings(cls, settings: Settings, *, count: Count = discard_count) -> Self:
        """Create the service with a connection of its own."""
        return cls(Tables.connect(settings), settings, count=count)

    @time_limit()
    def sign_in(self, owner: str, agent_name: str, context: str | None = None, *, exclusive: bool = False) -> SignedIn:
        """Recognise or create the agent, and give it a new session.

        Args:
            owner: Who calls, as the gateway verified it.
            agent_name: 1 to 100 characters after trimming.
            context: What the agent works on, 0 to 200 characters; the same name in another context is
                another agent.
            exclusive: End the agent's older sessions. Of two that race, the later stays; the other is
                answered like any sign-in, and its session has ended.

        Raises:
            ValidationError: names the bad field and what to change.
        """
        who = Identity.of(agent_name, context)
        now = clock.now()
        token, agent, reused = self._recognise(owner, who, now)
        ends_at = now + self._settings.lifetime
        session = Session(
            agent_id=agent.agent_id,
            session_id=token.session_id,
            owner=owner,
            agent_name=agent.agent_name,
            context=agent.context,
            created_at=now,
            last_active=now,
            expires_at=self._expires_at(now, ends_at),
            ends_at=ends_at,
            sign_in_number=agent.sign_ins,
            exclusive=exclusive,
        )
        self.tables.sessions.put_session(session)
        if exclusive:
            self._end_older(session)
        self._count(Metric.SIGN_INS)
        self._count(Metric.AGENTS_RECOGNISED if reused else Metric.AGENTS_CREATED)
        return SignedIn(session, token.secret, reused)

    def _recognise(self, owner: str, who: Identity, now: int) -> tuple[SessionToken, Agent, bool]:
        """Reuse or create the agent; return the token of its new session, it, and whether it was known.

        Only an agent that is there is reused under an id that was not derived. The index may still show
        one that was deleted: of two sign-ins that see this differently, each would make an agent.
        """
        derived = identity.agent_id(owner, who.key)
        found = self.tables.agents.find_agent_id(owner, who.key)
        if found is not None and found != derived:
            token = SessionToken.mint(found)
            known = self.tables.agents.reuse_agent(found, owner, who, session_id=token.session_id, now=now)
            if known is not None:
                return token, known, True
        token = SessionToken.mint(derived)
        agent, created = self.tables.agents.record_sign_in(derived, owner, who, session_id=token.session_id, now=now)
        return token, agent, not created

    def _end_older(self, own: Session) -> None:
        """End every session older than ``own``, and ``own`` itself where a later exclusive one is there.

        Each exclusive sign-in writes first and reads, strongly consistent, afterwards. So of any two
        that race at least one sees the other, and both judge by the same order: one stays.
        """
        sessions = list(self.tables.sessions.sessions_of(own.agent_id))
        ended = [each for each in sessions if each.sign_in_order < own.sign_in_order and each.is_live(own.created_at)]
        if any(each.exclusive and each.sign_in_order > own.sign_in_order for each in sessions):
            ended.append(own)
        self.tables.sessions.delete_sessions(ended)
        for each in ended:
            self._cache.forget(each.session_id)

    @time_limit()
    def validate(self, session_token: str) -> Session:
        """Return the live session of a token, and record its use.

        Raises:
            InvalidSessionError: malformed, unknown, expired or ended; a malformed token costs no call.
        """
        try:
            session = self._load_live(SessionToken.parse(session_token))
        except InvalidSessionError:
            self._count(Metric.REJECTED_TOKENS)
            raise
        self._count(Metric.VALIDATIONS)
        return session

    def _load_live(self, token: SessionToken) -> Session:
        now = clock.now()
        session = self._cache.get(token.session_id, now)
        if session is not None and not self._touch_is_due(session, now):
            return session
        session = self.tables.sessions.get_session(token.agent_id, token.session_id)
        if session is None or not session.is_live(now):
            self._cache.forget(token.session_id)
            raise InvalidSessionError
        if self._touch_is_due(session, now):
            session = self._touch(session, now)
        self._cache.remember(session, now)
        return session

    def _touch_is_due(self, session: Session, now: int) -> bool:
        return now - session.last_active >= self._settings.touch_interval

    def _touch(self, session: Session, now: int) -> Session:
        expires_at = self._expires_at(now, session.ends_at)
        try:
            live = self.tables.sessions.touch_session(
                session.agent_id, session.session_id, now=now, expires_at=expires_at
            )
        except DatabaseError:
            # The session was read and is live: that its use cannot be written is no reason to refuse it.
            self._count(Metric.TOUCH_FAILURES)
            return session
        if not live:
            self._cache.forget(session.session_id)
            raise InvalidSessionError
        self._count(Metric.TOUCHES)
        interval = self._settings.last_seen_interval
        if now // interval > session.last_active // interval:
            update_last_active(self.tables, session.agent_id, now, self._count)
        return replace(session, last_active=now, expires_at=expires_at)

    def _expires_at(self, now: int, ends_at: int) -> int:
        """When a session used at ``now`` ends: never early, although uses within an interval go unwritten."""
        return min(now + self._settings.idle_timeout + self._settings.touch_interval, ends_at)

    @time_limit()
    def sign_out(self, session_token: str) -> Session | None:
        """End the session of a token; return it, or None where it had already ended.

        Raises:
            InvalidSessionError: the token is malformed.
        """
        try:
            token = SessionToken.parse(session_token)
        except InvalidSessionError:
            self._count(Metric.REJECTED_TOKENS)
            raise
        self._cache.forget(token.session_id)
        session = self.tables.sessions.delete_session(token.agent_id, token.session_id)
        now = clock.now()
        if session is None or not session.is_live(now):
            return None
        self._count(Metric.SIGN_OUTS)
        update_last_active(self.tables, session.agent_id, now, self._count)
        return session

    @time_limit()
    def check_health(self) -> None:
        """Ask the database for one item; raises DatabaseError where it does not answer."""
        self.tables.sessions.ping()
