"""A container of the service whose clock and random numbers are given, so that it does the same each time."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from agent_sessions import clock
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import Transport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one container, and of a function that relies on sessions but writes no agent."""

    sessions: SessionService
    relying: SessionService
    agents: AgentService
    roster: RosterService

    @classmethod
    def over(cls, transport: Transport, settings: Settings) -> "Services":
        """Return new services; nothing that another call left in memory helps them."""
        tables = Tables.over(transport, settings)
        return cls(
            SessionService(tables, settings),
            SessionService(tables, settings, writes_agents=False),
            AgentService(tables, settings),
            RosterService(tables, settings),
        )


class Here:
    """The clock and the random numbers of the container that runs at present."""

    def __init__(self) -> None:
        self.now = 0
        self._seed = ""
        self._draws = 0

    def enter(self, now: int, seed: str) -> None:
        """Let a container run: its clock shows ``now``, and ``seed`` decides its tokens."""
        self.now, self._seed, self._draws = now, seed, 0

    def token_bytes(self, length: int) -> bytes:
        """Return the next random bytes."""
        self._draws += 1
        return hashlib.sha256(f"{self._seed}/{self._draws}".encode()).digest()[:length]


HERE = Here()


@contextmanager
def deterministic() -> Iterator[None]:
    """Replace the clocks and the random numbers of the package by those of ``HERE``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: HERE.now)
        patch.setattr(clock, "monotonic", lambda: 0.0)
        patch.setattr("agent_sessions.domain.tokens.secrets.token_bytes", HERE.token_bytes)
        yield
