"""Audit entries: who or what was ended, blocked or refused, and why. Services make them; their callers log them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class AuditAction(StrEnum):
    """What happened. An entry is made for what is known to have happened; a 503 may have done more."""

    END_SESSIONS = "end_sessions"
    BLOCK_AGENT = "block_agent"
    UNBLOCK_AGENT = "unblock_agent"
    DELETE_AGENT = "delete_agent"
    REQUEST_STOP = "request_stop"
    WITHDRAW_STOP = "withdraw_stop"
    REFUSE = "refuse"


class AuditReason(StrEnum):
    """Why it happened."""

    REQUESTED = "requested"
    """The owner asked for it."""
    OPERATOR = "operator"
    """An operator did it, with the operator function."""
    SIGN_OUT = "sign_out"
    """The agent presented its token and signed out."""
    EXCLUSIVE = "exclusive"
    """A newer sign-in was exclusive."""
    LIMIT = "limit"
    """The agent had more sessions than MaxSessionsPerAgent."""
    NOT_ADMITTED = "not_admitted"
    """The agent had been blocked, deleted or signed out everywhere while the session was written."""
    BLOCKED = "blocked"
    """A blocked agent tried to sign in."""
    NO_CALLER = "no_caller"
    """The gateway did not identify the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One fact for the audit log.

    Args:
        action: What happened.
        owner: The owner of the agent; None if the gateway named no caller.
        agent_id: The agent; None if all agents of the owner are meant.
        session_ids: The handles of the sessions concerned, all of them.
        reason: An ``AuditReason``; of a stop request, what the owner wrote to the agent.
    """

    action: AuditAction
    owner: str | None
    agent_id: str | None = None
    session_ids: Sequence[str] = ()
    reason: str = AuditReason.REQUESTED


type Audit = Callable[[AuditEntry], None]


def discard_entry(_: AuditEntry) -> None:
    """Record nothing."""
