"""Both tables of a deployment."""

from dataclasses import dataclass
from typing import Self

from agent_sessions.dynamodb.agents_table import AgentsTable
from agent_sessions.dynamodb.connect import connect
from agent_sessions.dynamodb.sessions_by_owner import SessionsByOwner
from agent_sessions.dynamodb.sessions_table import SessionsTable
from agent_sessions.dynamodb.transport import Transport
from agent_sessions.settings import Settings


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a deployment; services take them, and tests give them a transport of their own."""

    agents: AgentsTable
    sessions: SessionsTable
    sessions_by_owner: SessionsByOwner

    @classmethod
    def over(cls, transport: Transport, settings: Settings) -> Self:
        """Return the tables that the settings name, over one transport."""
        return cls(
            AgentsTable(transport, settings.agents_table),
            SessionsTable(transport, settings.sessions_table, settings.sessions_not_before),
            SessionsByOwner(transport, settings.sessions_table),
        )

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Return the tables that the settings name, over a connection that the environment describes."""
        return cls.over(connect(settings), settings)
