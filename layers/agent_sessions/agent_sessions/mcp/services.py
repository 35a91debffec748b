"""What the tools call."""

from dataclasses import dataclass

from agent_sessions.services.agents import AgentService
from agent_sessions.services.handles import SessionHandle
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService


@dataclass(frozen=True, slots=True)
class Services:
    """The services, and the owner on whose behalf the tools call them."""

    owner: str
    sessions: SessionService
    agents: AgentService
    roster: RosterService

    def handle(self, session: str) -> SessionHandle:
        """Return the handle of one of the owner's sessions; raises InvalidSessionError if it is malformed."""
        return SessionHandle.parse(session, self.owner)
