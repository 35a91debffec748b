"""Operators act for every owner: they list, count and end sessions, and block and delete agents."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import batched, groupby
from operator import attrgetter
from typing import Self

from agent_sessions import clock
from agent_sessions.audit import Audit, AuditAction, AuditEntry, AuditReason
from agent_sessions.domain.identity import parse_id_pair
from agent_sessions.domain.models import MAX_PAGE, Ended, Presence, Session, SessionPage
from agent_sessions.dynamodb import live_sessions
from agent_sessions.dynamodb.batches import WRITE_BATCH
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.errors import NotFoundError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.operator_request import OperatorRequest
from agent_sessions.services.roster import RosterService, format_position
from agent_sessions.settings import Settings

# `aws lambda invoke` waits for 60 seconds. Whatever takes longer returns where to continue.
TIME_LIMIT_SECONDS = 40.0
READ_LIMIT = 1000
MAX_HANDLES = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """How many live sessions an owner has, of how many agents, up to the position ``next``; None is the end."""

    sessions: int
    agents: int
    next: str | None


@dataclass(frozen=True, slots=True)
class EndedByMetadata:
    """The sessions that carried the metadata.

    Args:
        matched: How many live sessions carried it.
        ended: How many of them were ended; 0 in a dry run.
        session_ids: Their handles, at most 100.
        next: Where to continue; None is the end.
    """

    matched: int
    ended: int
    session_ids: tuple[str, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many agents of an owner were deleted, how many sessions without an agent ended, and whether more is left."""

    agents: int
    sessions: int
    more: bool


class OperatorService:
    """Acts for every owner. It checks no permission: its callers may do all of this.

    Every method raises DatabaseError if DynamoDB throttles, fails or cannot be reached.

    Args:
        tables: Where agents and sessions are stored.
        settings: The cutoff of sessions.
        audit: Called with an entry for each thing that is stopped, with the reason ``operator``.
    """

    def __init__(self, tables: Tables, settings: Settings, *, audit: Audit) -> None:
        def audit_operator(entry: AuditEntry) -> None:
            audit(replace(entry, reason=AuditReason.OPERATOR))

        self.tables = tables
        self._audit = audit_operator
        self._roster = RosterService(tables, settings, audit=audit_operator)
        self._agents = AgentService(tables, settings, audit=audit_operator)

    @classmethod
    def from_settings(cls, settings: Settings, *, audit: Audit) -> Self:
        """Create the service with a connection of its own."""
        return cls(Tables.connect(settings), settings, audit=audit)

    def list_sessions(self, request: OperatorRequest) -> SessionPage:
        """Return a page of the live sessions of an owner."""
        return self._roster.list_sessions(request.owner, limit=request.limit, after=request.next)

    def count(self, request: OperatorRequest) -> Counted:
        """Count the live sessions of an owner."""
        until = clock.monotonic() + TIME_LIMIT_SECONDS
        sessions = agents = 0
        last, after = "", request.next
        while True:
            page = self._roster.list_sessions(request.owner, after=after)
            for session in page.sessions:  # an agent's are in a row
                agents += session.agent_id != last
                last = session.agent_id
            sessions += len(page.sessions)
            if page.next is None or clock.monotonic() >= until:
                return Counted(sessions, agents, page.next)
            after = parse_id_pair(page.next)

    def end_of_owner(self, request: OperatorRequest) -> Ended:
        """End every session of an owner, as far as the index shows them; it lags seconds behind."""
        until = clock.monotonic() + TIME_LIMIT_SECONDS
        ended = 0
        while True:
            outcome = self._roster.end_all_sessions(request.owner)
            ended += outcome.count
            if not outcome.more or clock.monotonic() >= until:
                return Ended(ended, outcome.more)

    def end_by_metadata(self, request: OperatorRequest) -> EndedByMetadata:
        """End the live sessions, of whatever owner, that carry all the given pairs; in a dry run only find them.

        Reads the whole table, eventually consistent. It sets no fence: their agents may sign in again.
        """
        until = clock.monotonic() + TIME_LIMIT_SECONDS
        now, after = clock.now(), request.next
        matched = ended = 0
        session_ids: list[str] = []
        while True:
            found, after = live_sessions.scan(self.tables.sessions, now=now, after=after, limit=READ_LIMIT)
            matching = [each for each in found if request.metadata.items() <= each.metadata.items()]
            if not request.dry_run:
                self._end(matching)
                ended += len(matching)
            matched += len(matching)
            session_ids += (each.session_id for each in matching[: MAX_HANDLES - len(session_ids)])
            if after is None or clock.monotonic() >= until:
                position = None if after is None else format_position(after)
                return EndedByMetadata(matched, ended, tuple(session_ids), position)

    def block(self, request: OperatorRequest) -> Presence:
        """Refuse sign-ins of an agent, and end its sessions; repeat it while the number of them is capped."""
        return self._agents.block(self._owner_of(request.agent_id), request.agent_id)

    def unblock(self, request: OperatorRequest) -> Presence:
        """Let an agent sign in again."""
        return self._agents.unblock(self._owner_of(request.agent_id), request.agent_id)

    def delete(self, request: OperatorRequest) -> Deleted:
        """Delete all agents of an owner with their sessions, and sessions whose agent is already gone."""
        until = clock.monotonic() + TIME_LIMIT_SECONDS
        deleted, after = 0, None
        while True:
            agent_ids, after = self.tables.agents.owned_agent_ids(request.owner, after=after, limit=MAX_PAGE)
            for agent_id in agent_ids:
                if clock.monotonic() >= until:
                    return Deleted(deleted, 0, more=True)
                with suppress(NotFoundError):  # the index still shows it
                    self._agents.delete(request.owner, agent_id)
                    deleted += 1
            if after is None:
                left = self._roster.end_all_sessions(request.owner)
                return Deleted(deleted, left.count, left.more)

    def _end(self, sessions: Sequence[Session]) -> None:
        """End sessions that one page of a scan returned, in which those of an agent are in a row."""
        for batch in batched(sessions, WRITE_BATCH, strict=False):
            self.tables.sessions.delete_sessions((each.agent_id, each.session_id) for each in batch)
            for (owner, agent_id), group in groupby(batch, key=attrgetter("owner", "agent_id")):
                session_ids = [each.session_id for each in group]
                self._audit(
                    AuditEntry(action=AuditAction.END_SESSIONS, owner=owner, agent_id=agent_id, session_ids=session_ids)
                )

    def _owner_of(self, agent_id: str) -> str:
        agent = self.tables.agents.get_agent(agent_id)
        if agent is None:
            raise NotFoundError("No such agent")
        return agent.owner
