"""What an owner does with all of its agents at once: list them, list their live sessions, end them all."""

from itertools import batched

from agent_sessions import clock
from agent_sessions.audit import Audit, AuditAction, AuditEntry, discard_entry
from agent_sessions.deadline import seconds_left, time_limit
from agent_sessions.domain.models import MAX_PAGE, AgentPage, Ended, Session, SessionPage
from agent_sessions.dynamodb.batches import WRITE_BATCH
from agent_sessions.dynamodb.sessions_by_owner import IndexEntry, Position
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.services.ending import RESERVE_SECONDS
from agent_sessions.settings import Settings

# Entries of the index that one page of the roster reads, so that it is bounded whatever lies in between.
MAX_ENTRIES = 500
READ_LIMIT = 100


class RosterService:
    """The agents and sessions of an owner, by indexes that lag behind the tables by seconds.

    Every method raises DatabaseError if DynamoDB throttles, fails or cannot be reached.

    Args:
        tables: Where agents and sessions are stored.
        settings: The cutoff of sessions.
        audit: Called with an entry for each request that ends sessions.
    """

    def __init__(self, tables: Tables, settings: Settings, *, audit: Audit = discard_entry) -> None:
        self.tables = tables
        self._settings = settings
        self._audit = audit

    @time_limit()
    def list_agents(self, owner: str, *, limit: int = MAX_PAGE, after: str | None = None) -> AgentPage:
        """Return agents of an owner, ordered by agent_id; a page may be short if some were just deleted.

        Args:
            owner: The caller.
            limit: 1 to 100.
            after: The ``next`` of the previous page.
        """
        agent_ids, next_position = self.tables.agents.owned_agent_ids(owner, after=after, limit=limit)
        agents = [each for each in self.tables.agents.get_agents(agent_ids) if each.owner == owner]
        return AgentPage(tuple(agents), next_position)

    @time_limit()
    def list_sessions(self, owner: str, *, limit: int = MAX_PAGE, after: Position | None = None) -> SessionPage:
        """Return live sessions of an owner's agents, ordered by agent_id.

        At most 500 entries of the index are read, so a page may be short or empty; only ``next=None`` is the end.

        Args:
            owner: The caller.
            limit: 1 to 100.
            after: Where the previous page ended.
        """
        now = clock.now()
        found: list[Session] = []
        read = 0
        while True:
            entries, position = self.tables.sessions_by_owner.page(owner, after=after, limit=READ_LIMIT)
            read += len(entries)
            for session in self._live(owner, entries, now):
                found.append(session)
                if len(found) == limit:
                    is_last = position is None and entries[-1].session_id == session.session_id
                    return SessionPage(
                        tuple(found), None if is_last else format_position((session.agent_id, session.session_id))
                    )
            if position is None:
                return SessionPage(tuple(found), None)
            if read >= MAX_ENTRIES or seconds_left() < RESERVE_SECONDS:
                return SessionPage(tuple(found), format_position(position))
            after = position

    @time_limit()
    def end_all_sessions(self, owner: str) -> Ended:
        """Sign out every agent of an owner, as far as the index shows its sessions.

        It sets no fence: an agent may sign in again at once. If time runs out, ``more`` is true and the next
        call continues.
        """
        now, after = clock.now(), None
        ended: list[str] = []
        try:
            while True:
                entries, after = self.tables.sessions_by_owner.page(owner, after=after, limit=READ_LIMIT)
                live = {each.session_id for each in self._live(owner, entries, now)}
                # A page takes many calls: what was deleted before time ran out counts.
                for place, batch in enumerate(batched(entries, WRITE_BATCH, strict=False)):
                    if place and seconds_left() < RESERVE_SECONDS:
                        return Ended(len(ended), more=True)
                    self.tables.sessions.delete_sessions(each.key for each in batch)
                    ended += (each.session_id for each in batch if each.session_id in live)
                if after is None or seconds_left() < RESERVE_SECONDS:
                    return Ended(len(ended), more=after is not None)
        finally:
            self._audit(AuditEntry(action=AuditAction.END_SESSIONS, owner=owner, session_ids=ended))

    def _live(self, owner: str, entries: list[IndexEntry], now: int) -> list[Session]:
        """Read the sessions of index entries, and keep those that are live by their own item."""
        not_before = self._settings.sessions_not_before
        may_be_live = [each for each in entries if each.ends_at > now and each.created_at >= not_before]
        return [
            each
            for each in self.tables.sessions_by_owner.read(may_be_live)
            if each.owner == owner and each.is_live(now, not_before)
        ]


def format_position(position: Position) -> str:
    """Return a position as callers see it: ``agent_id/session_id``."""
    return "/".join(position)
