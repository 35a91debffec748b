"""Client of agent-sessions: sign agents in, report what they do, see who works, stop any of them."""

from agent_sessions_client.async_client import AsyncClient
from agent_sessions_client.async_session import AsyncSignedInSession
from agent_sessions_client.auth import Auth, AwsAuth, JwtAuth, NoAuth, auth_from_environment
from agent_sessions_client.client import Client
from agent_sessions_client.errors import (
    AgentBlockedError,
    AgentSessionsError,
    ApiError,
    BadField,
    CallerError,
    ConnectionFailedError,
    CredentialsError,
    InternalError,
    InvalidSessionError,
    NotFoundError,
    PayloadTooLargeError,
    Problem,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
    ValidationError,
)
from agent_sessions_client.exchange import Retries
from agent_sessions_client.models import Agent, Session, State, StopRequest
from agent_sessions_client.operations import UNCHANGED
from agent_sessions_client.session import SignedInSession

__all__ = [
    "UNCHANGED",
    "Agent",
    "AgentBlockedError",
    "AgentSessionsError",
    "ApiError",
    "AsyncClient",
    "AsyncSignedInSession",
    "Auth",
    "AwsAuth",
    "BadField",
    "CallerError",
    "Client",
    "ConnectionFailedError",
    "CredentialsError",
    "InternalError",
    "InvalidSessionError",
    "JwtAuth",
    "NoAuth",
    "NotFoundError",
    "PayloadTooLargeError",
    "Problem",
    "Retries",
    "Session",
    "SignedInSession",
    "State",
    "StopRequest",
    "ThrottledError",
    "UnavailableError",
    "UnexpectedResponseError",
    "ValidationError",
    "auth_from_environment",
]
