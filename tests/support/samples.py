"""Agents and sessions as plain values, for tests that store them directly."""

import uuid
from dataclasses import replace
from typing import Any

from agent_sessions.domain.identity import Identity, agent_id
from agent_sessions.domain.models import Session

NOW = 1_800_000_000
OWNER = "iam:arn:aws:iam::111122223333:user/ada"
OTHER_OWNER = "iam:arn:aws:iam::111122223333:user/bob"
IDENTITY = Identity.of("Claude", "Project A")
AGENT_ID = agent_id(OWNER, IDENTITY.key)
INCARNATION = str(uuid.UUID(int=2**127))


def session(number: int = 1, **changes: Any) -> Session:
    """Return a session with this number in its session_id and in its order of sign-ins."""
    made = Session(
        agent_id=AGENT_ID,
        session_id=str(uuid.UUID(int=number)),
        owner=OWNER,
        agent_name="Claude",
        context="Project A",
        created_at=NOW,
        last_active=NOW,
        expires_at=NOW + 1860,
        ends_at=NOW + 43200,
        idle_seconds=1800,
        sign_in_number=max(number, 1),
        incarnation=INCARNATION,
    )
    return replace(made, **changes)
