"""How agents and sessions look as DynamoDB items: one mapper each way."""

from collections.abc import Mapping
from typing import Any

from agent_sessions.domain.models import Agent, Session

type Item = Mapping[str, Mapping[str, Any]]


def number(value: int) -> dict[str, str]:
    """Return an integer as an attribute value."""
    return {"N": str(value)}


def session_key(agent_id: str, session_id: str) -> dict[str, Any]:
    """Return the key of a session."""
    return {"agent_id": {"S": agent_id}, "session_id": {"S": session_id}}


def read_agent(item: Item) -> Agent:
    """Return the agent that an item holds."""
    return Agent(
        agent_id=item["agent_id"]["S"],
        owner=item["owner"]["S"],
        identity_key=item["identity_key"]["S"],
        agent_name=item["agent_name"]["S"],
        context=item.get("context", {}).get("S"),
        created_at=int(item["created_at"]["N"]),
        last_active=int(item["last_active"]["N"]),
        sign_ins=int(item.get("sign_ins", {}).get("N", 0)),
    )


def read_session(item: Item) -> Session:
    """Return the session that an item holds."""
    return Session(
        agent_id=item["agent_id"]["S"],
        session_id=item["session_id"]["S"],
        owner=item["owner"]["S"],
        agent_name=item["agent_name"]["S"],
        context=item.get("context", {}).get("S"),
        created_at=int(item["created_at"]["N"]),
        last_active=int(item["last_active"]["N"]),
        expires_at=int(item["expires_at"]["N"]),
        ends_at=int(item["ends_at"]["N"]),
        sign_in_number=int(item["sign_in_number"]["N"]),
        exclusive="exclusive" in item,
    )


def session_item(session: Session) -> dict[str, Any]:
    """Return a session as an item. What can be computed is not stored: most items stay under 1 KB."""
    item: dict[str, Any] = {
        **session_key(session.agent_id, session.session_id),
        "owner": {"S": session.owner},
        "agent_name": {"S": session.agent_name},
        "created_at": number(session.created_at),
        "last_active": number(session.last_active),
        "expires_at": number(session.expires_at),
        "ends_at": number(session.ends_at),
        "sign_in_number": number(session.sign_in_number),
    }
    if session.context:
        item["context"] = {"S": session.context}
    if session.exclusive:
        item["exclusive"] = {"BOOL": True}
    return item
