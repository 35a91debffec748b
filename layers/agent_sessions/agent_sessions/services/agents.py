"""What an owner does with one of its agents: find it, see its presence, list and end its sessions, block it."""

from typing import Self

from agent_sessions import clock
from agent_sessions.audit import Audit, AuditAction, AuditEntry, AuditReason, discard_entry
from agent_sessions.deadline import seconds_left, time_limit
from agent_sessions.domain.identity import Identity, parse_id
from agent_sessions.domain.models import MAX_PAGE, Agent, Ended, Presence, Session, SessionPage, StopRequest
from agent_sessions.domain.progress import clean_reason
from agent_sessions.domain.tokens import redact
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import DatabaseError, NotFoundError
from agent_sessions.metrics import Count, discard_count
from agent_sessions.services.ending import RESERVE_SECONDS, Outcome, behind_fence, end_sessions
from agent_sessions.services.presence import read_presence, update_last_active
from agent_sessions.services.recognition import MAX_RACES, find_agent
from agent_sessions.settings import Settings

# Items per read of a list: the live sessions may lie behind many expired ones.
READ_LIMIT = 500


class AgentService:
    """One agent, its presence and its sessions, for the owner of the agent.

    Every method raises DatabaseError if DynamoDB throttles, fails or cannot be reached, and NotFoundError if
    the owner has no such agent: another owner's agent looks like a missing one.

    Args:
        tables: Where agents and sessions are stored.
        settings: The cutoff of sessions.
        count: Called with a metric for each event.
        audit: Called with an entry for each agent or session that is stopped.
    """

    def __init__(
        self, tables: Tables, settings: Settings, *, count: Count = discard_count, audit: Audit = discard_entry
    ) -> None:
        self.tables = tables
        self._settings = settings
        self._count = count
        self._audit = audit

    @classmethod
    def from_environment(cls, *, count: Count = discard_count) -> Self:
        """Create the service from the environment that template.yaml sets.

        Raises:
            SettingsError: names the variable that is missing or invalid.
        """
        return cls.from_settings(Settings.from_environment(), count=count)

    @classmethod
    def from_settings(cls, settings: Settings, *, count: Count = discard_count, audit: Audit = discard_entry) -> Self:
        """Create the service with a connection of its own."""
        return cls(Tables.connect(settings), settings, count=count, audit=audit)

    # -- reads

    @time_limit()
    def find_agent(self, owner: str, agent_name: str, context: str | None = None) -> Presence | None:
        """Return the agent that a sign-in with this name and context would reuse, and its presence.

        Raises:
            ValidationError: names the invalid field and what to change.
        """
        agent = find_agent(self.tables, owner, Identity.of(agent_name, context))
        return None if agent is None else read_presence(self.tables, agent)

    @time_limit()
    def get_agent(self, owner: str, agent_id: str) -> Presence:
        """Return an agent and its presence."""
        return read_presence(self.tables, self._owned(owner, agent_id))

    @time_limit()
    def list_sessions(
        self, owner: str, agent_id: str, *, limit: int = MAX_PAGE, after: str | None = None
    ) -> SessionPage:
        """Return live sessions of an agent, ordered by session_id.

        A page may be short or empty if time runs out; only ``next=None`` is the end.

        Args:
            owner: The caller.
            agent_id: The agent.
            limit: 1 to 100.
            after: The ``next`` of the previous page.
        """
        agent = self._owned(owner, agent_id)
        found: list[Session] = []
        for page, next_position in self.tables.sessions.live_sessions_of(
            agent.agent_id, now=clock.now(), after=after, limit=READ_LIMIT
        ):
            found += page
            if len(found) > limit:
                return SessionPage(tuple(found[:limit]), found[limit - 1].session_id)
            if next_position is not None and seconds_left() < RESERVE_SECONDS:
                return SessionPage(tuple(found), next_position)
        return SessionPage(tuple(found), None)

    # -- control of sessions

    @time_limit()
    def request_stop(self, owner: str, agent_id: str, session_id: str, reason: str | None) -> Session:
        """Ask an agent to stop, or withdraw that; each validation of the session returns the request.

        Args:
            owner: The caller.
            agent_id: The agent.
            session_id: One of its live sessions.
            reason: 1 to 200 characters for the agent to read; None withdraws the request.

        Raises:
            ValidationError: names the field and what to change.
            NotFoundError: also if the session has ended.
        """
        cleaned = None if reason is None else clean_reason(reason)
        agent, session = self._parsed_pair(agent_id, session_id)
        now = clock.now()
        request = None if cleaned is None else StopRequest(cleaned, now)
        updated = self.tables.sessions.request_stop(agent, session, owner, request, now=now)
        if updated is None:
            raise NotFoundError("No such session")
        self._audit(
            AuditEntry(
                action=AuditAction.WITHDRAW_STOP if cleaned is None else AuditAction.REQUEST_STOP,
                owner=owner,
                agent_id=agent,
                session_ids=[session],
                reason=AuditReason.REQUESTED if cleaned is None else redact(cleaned),
            )
        )
        return updated

    @time_limit()
    def end_session(self, owner: str, agent_id: str, session_id: str) -> bool:
        """End a session by its handle; return whether it was live. This also succeeds if it had already ended."""
        agent, handle = self._parsed_pair(agent_id, session_id)
        session = self.tables.sessions.delete_session(agent, handle, owner=owner)
        if session is not None and session.is_live(clock.now(), self._settings.sessions_not_before):
            self._audit(AuditEntry(action=AuditAction.END_SESSIONS, owner=owner, agent_id=agent, session_ids=[handle]))
            update_last_active(self.tables, agent, session.last_active, self._count)
            return True
        # Deleting an expired one has the same result as if TTL had deleted it before.
        self._owned(owner, agent)
        return False

    @time_limit()
    def end_all_sessions(self, owner: str, agent_id: str) -> Ended:
        """Sign an agent out everywhere; if time runs out, ``more`` is true and the next call continues."""
        agent = self._move_fence(owner, agent_id, block=False)
        outcome = self._end_behind(agent, AuditAction.END_SESSIONS)
        return Ended(len(outcome.ended), outcome.more)

    # -- control of the agent

    @time_limit()
    def block(self, owner: str, agent_id: str) -> Presence:
        """Refuse sign-ins of an agent and end its sessions.

        Returns:
            The agent, and how many live sessions are left. If that is ``capped``, time ran out: repeat the call.
        """
        agent = self._move_fence(owner, agent_id, block=True)
        outcome = self._end_behind(agent, AuditAction.BLOCK_AGENT)
        return Presence(agent, outcome.left, capped=outcome.more)

    @time_limit()
    def unblock(self, owner: str, agent_id: str) -> Presence:
        """Let an agent sign in again; the sessions that the block ended stay ended."""
        agent_id = self._parsed(agent_id)
        for _ in range(MAX_RACES):
            agent = self.tables.agents.unblock(agent_id, owner)
            if agent is not None:
                self._audit(AuditEntry(action=AuditAction.UNBLOCK_AGENT, owner=owner, agent_id=agent_id))
                return read_presence(self.tables, agent)
            self._owned(owner, agent_id)
        raise DatabaseError("UpdateItem")

    @time_limit()
    def delete(self, owner: str, agent_id: str) -> None:
        """Block an agent, end its sessions, and forget it.

        Raises:
            DatabaseError: time ran out, or the agent was unblocked meanwhile. It stays blocked in the first
                case, and the next call continues.
        """
        for _ in range(MAX_RACES):
            agent = self._move_fence(owner, agent_id, block=True)
            if self._end_behind(agent, AuditAction.BLOCK_AGENT).more:
                raise DatabaseError("BatchWriteItem") from TimeoutError("more sessions than one request can end")
            if self.tables.agents.delete_agent(agent):
                self._audit(AuditEntry(action=AuditAction.DELETE_AGENT, owner=owner, agent_id=agent.agent_id))
                return
            current = self.tables.agents.get_agent(agent.agent_id)
            if current is None or current.incarnation != agent.incarnation:
                # Another call deleted it, or this one did and lost the response.
                return
            if not current.blocked:
                break
        raise DatabaseError("DeleteItem")

    def _move_fence(self, owner: str, agent_id: str, *, block: bool) -> Agent:
        agent_id = self._parsed(agent_id)
        for _ in range(MAX_RACES):
            agent = self.tables.agents.move_fence(agent_id, owner, block=block)
            if agent is not None:
                return agent
            self._owned(owner, agent_id)
        raise DatabaseError("UpdateItem")

    def _end_behind(self, agent: Agent, action: AuditAction) -> Outcome:
        """End the sessions behind the fence that was just moved; write it down even if time runs out."""
        ended: list[str] = []
        try:
            return end_sessions(
                self.tables, agent.agent_id, now=clock.now(), ends=behind_fence(agent), record=ended.extend
            )
        finally:
            self._audit(AuditEntry(action=action, owner=agent.owner, agent_id=agent.agent_id, session_ids=ended))

    def _owned(self, owner: str, agent_id: str) -> Agent:
        agent = self.tables.agents.get_agent(self._parsed(agent_id))
        if agent is None or agent.owner != owner:
            raise NotFoundError("No such agent")
        return agent

    @staticmethod
    def _parsed(agent_id: str) -> str:
        """Return the id in lower case; a malformed id matches no agent, and DynamoDB would reject some of them."""
        parsed = parse_id(agent_id)
        if parsed is None:
            raise NotFoundError("No such agent")
        return parsed

    @staticmethod
    def _parsed_pair(agent_id: str, session_id: str) -> tuple[str, str]:
        """Return both ids in lower case; a malformed one matches no session."""
        agent, session = parse_id(agent_id), parse_id(session_id)
        if agent is None or session is None:
            raise NotFoundError("No such session")
        return agent, session
