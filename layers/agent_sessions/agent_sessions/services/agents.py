"""What an owner does with its agents: find them, see their presence, list and end their sessions."""

from itertools import batched
from typing import Self

from agent_sessions import clock
from agent_sessions.deadline import seconds_left, time_limit
from agent_sessions.domain import identity
from agent_sessions.domain.identity import Identity
from agent_sessions.domain.models import MAX_PAGE, Agent, Ended, Presence, Session, SessionPage
from agent_sessions.dynamodb.sessions_table import BATCH
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import ATTEMPT_SECONDS
from agent_sessions.errors import NotFoundError
from agent_sessions.metrics import Count, discard_count
from agent_sessions.services.presence import update_last_active
from agent_sessions.settings import Settings

# Begun with less left, a batch and the last-seen write might not both be done in time.
RESERVE_SECONDS = 2 * ATTEMPT_SECONDS


class AgentService:
    """Agents, their presence and their sessions, for the owner of the agents.

    Every method raises DatabaseError where DynamoDB throttles, fails or cannot be reached, and
    NotFoundError where the owner has no such agent: another owner's is not told from none.

    Args:
        tables: Where agents and sessions are stored.
        count: Called with a metric for each event.
    """

    def __init__(self, tables: Tables, *, count: Count = discard_count) -> None:
        self.tables = tables
        self._count = count

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
        return cls(Tables.connect(settings), count=count)

    @time_limit()
    def find_agent(self, owner: str, agent_name: str, context: str | None = None) -> Presence:
        """Find an agent by its identity, and its presence.

        Raises:
            ValidationError: names the bad field and what to change.
        """
        who = Identity.of(agent_name, context)
        # The index knows agents whose id was not derived; the table knows those it does not yet show.
        agent_id = self.tables.agents.find_agent_id(owner, who.key) or identity.agent_id(owner, who.key)
        return self.get_agent(owner, agent_id)

    @time_limit()
    def get_agent(self, owner: str, agent_id: str) -> Presence:
        """Return an agent with its presence."""
        agent = self._owned(owner, agent_id)
        now = clock.now()
        live = [each.last_active for each in self.tables.sessions.sessions_of(agent.agent_id) if each.is_live(now)]
        return Presence(agent, len(live), max([agent.last_active, *live]))

    @time_limit()
    def list_sessions(
        self, owner: str, agent_id: str, *, limit: int = MAX_PAGE, after: str | None = None
    ) -> SessionPage:
        """Return up to ``limit`` live sessions of an agent, by handle.

        Args:
            owner: Who calls.
            agent_id: Whose sessions.
            limit: 1 to 100.
            after: The ``next`` of the page before.
        """
        agent = self._owned(owner, agent_id)
        now = clock.now()
        page: list[Session] = []
        # Never read by ones and twos: a few live sessions may lie behind thousands of expired ones.
        for session in self.tables.sessions.sessions_of(agent.agent_id, after=after, limit=MAX_PAGE + 1):
            if session.is_live(now):
                if len(page) == limit:
                    return SessionPage(tuple(page), page[-1].session_id)
                page.append(session)
        return SessionPage(tuple(page), None)

    @time_limit()
    def end_session(self, owner: str, agent_id: str, session_id: str) -> None:
        """End a session by its handle; no error where it had already ended."""
        agent, handle = identity.parse_id(agent_id), identity.parse_id(session_id)
        if agent is None or handle is None:
            raise NotFoundError("No such session")
        session = self.tables.sessions.delete_session(agent, handle, owner=owner)
        if session is None:
            self._owned(owner, agent)
        elif session.is_live(clock.now()):
            # One that had expired changes nothing, as if TTL had deleted it before.
            update_last_active(self.tables, session.agent_id, session.last_active, self._count)

    @time_limit()
    def end_all_sessions(self, owner: str, agent_id: str) -> Ended:
        """Sign an agent out everywhere; where time runs out, ``more`` is true and calling again goes on."""
        agent = self._owned(owner, agent_id)
        now = clock.now()
        live = (each for each in self.tables.sessions.sessions_of(agent.agent_id) if each.is_live(now))
        batches = batched(live, BATCH, strict=False)
        ended, seen, more = 0, agent.last_active, True
        # The first batch is always tried, so that whoever calls again gets on or is told of the trouble.
        while more and (ended == 0 or seconds_left() >= RESERVE_SECONDS):
            batch = next(batches, ())
            self.tables.sessions.delete_sessions(batch)
            ended += len(batch)
            seen = max([seen, *(each.last_active for each in batch)])
            more = len(batch) == BATCH
        if seen > agent.last_active:
            update_last_active(self.tables, agent.agent_id, seen, self._count)
        return Ended(ended, more)

    def _owned(self, owner: str, agent_id: str) -> Agent:
        # A malformed id matches no agent; DynamoDB would refuse some of them as a key.
        canonical = identity.parse_id(agent_id)
        agent = self.tables.agents.get_agent(canonical) if canonical else None
        if agent is None or agent.owner != owner:
            raise NotFoundError("No such agent")
        return agent
