"""Identity and sessions for AI agents.

Other functions of the account validate a token in process::

    from agent_sessions import InvalidSessionError, SessionService

    sessions = SessionService.from_environment()   # once, when the function starts

    def handler(event, context):
        session = sessions.validate(token)         # raises InvalidSessionError, DatabaseError

The environment needs AGENTS_TABLE and SESSIONS_TABLE; the role needs ``dynamodb:GetItem`` and
``dynamodb:UpdateItem`` on the sessions and ``dynamodb:UpdateItem`` on the agents.
"""

from agent_sessions.domain.models import Agent, Ended, Presence, Session, SessionPage, SignedIn
from agent_sessions.dynamodb.store import Store
from agent_sessions.errors import (
    AgentSessionsError,
    DatabaseError,
    FieldError,
    InvalidSessionError,
    NotFoundError,
    ValidationError,
)
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings, SettingsError

__all__ = [
    "Agent",
    "AgentService",
    "AgentSessionsError",
    "DatabaseError",
    "Ended",
    "FieldError",
    "InvalidSessionError",
    "NotFoundError",
    "Presence",
    "Session",
    "SessionPage",
    "SessionService",
    "Settings",
    "SettingsError",
    "SignedIn",
    "Store",
    "ValidationError",
]
