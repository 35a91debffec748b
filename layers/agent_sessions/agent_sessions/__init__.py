"""Identity and sessions for AI agents.

Other functions of the account validate a session token in process::

    from agent_sessions import InvalidSessionError, SessionService

    sessions = SessionService.from_environment()   # once, when the function starts

    def handler(event, context):
        session = sessions.validate(token)         # raises InvalidSessionError, DatabaseError

The environment needs AGENTS_TABLE and SESSIONS_TABLE; the role needs ``dynamodb:GetItem`` on both tables, and
``dynamodb:UpdateItem`` on the attributes of sessions that a touch writes. README.md has the policy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_sessions.domain.models import Agent, Ended, Presence, Session, SessionPage, SignedIn
    from agent_sessions.dynamodb.tables import Tables
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

# Where each public name is defined. It is imported on first use: a caller that needs one module does not
# wait for botocore.
_MODULES = {
    "Agent": "domain.models",
    "AgentService": "services.agents",
    "AgentSessionsError": "errors",
    "DatabaseError": "errors",
    "Ended": "domain.models",
    "FieldError": "errors",
    "InvalidSessionError": "errors",
    "NotFoundError": "errors",
    "Presence": "domain.models",
    "Session": "domain.models",
    "SessionPage": "domain.models",
    "SessionService": "services.sessions",
    "Settings": "settings",
    "SettingsError": "settings",
    "SignedIn": "domain.models",
    "Tables": "dynamodb.tables",
    "ValidationError": "errors",
}

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
    "Tables",
    "ValidationError",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
