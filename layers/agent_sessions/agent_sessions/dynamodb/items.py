"""Agents and sessions as DynamoDB items: one mapper each way. docs/data-model.md describes every attribute."""

from collections.abc import Mapping
from typing import Any, cast

from agent_sessions.domain.models import Agent, Session, State, StopRequest
from agent_sessions.domain.times import MAX_TIME

type Item = Mapping[str, Mapping[str, Any]]


def number(value: int) -> dict[str, str]:
    """Return an integer as an attribute value."""
    return {"N": str(value)}


def string(value: str) -> dict[str, str]:
    """Return a string as an attribute value."""
    return {"S": value}


def agent_key(agent_id: str) -> dict[str, Any]:
    """Return the key of an agent."""
    return {"agent_id": {"S": agent_id}}


def session_key(agent_id: str, session_id: str) -> dict[str, Any]:
    """Return the key of a session."""
    return {"agent_id": {"S": agent_id}, "session_id": {"S": session_id}}


def stop_request_value(request: StopRequest) -> dict[str, Any]:
    """Return a stop request as an attribute value."""
    return {"M": {"reason": {"S": request.reason}, "at": number(request.at)}}


def read_agent(item: Item) -> Agent | None:
    """Return the agent of an item; None if a required attribute is missing or has another type."""
    try:
        return Agent(
            agent_id=item["agent_id"]["S"],
            owner=item["owner"]["S"],
            identity_key=item["identity_key"]["S"],
            agent_name=item["agent_name"]["S"],
            context=item.get("context", {}).get("S"),
            created_at=int(item["created_at"]["N"]),
            last_active=int(item["last_active"]["N"]),
            blocked="blocked" in item,
            sign_ins=_count(item, "sign_ins"),
            ended_through=_count(item, "ended_through"),
            swept_at=_count(item, "swept_at"),
            incarnation=item.get("incarnation", {}).get("S"),
        )
    except (KeyError, ValueError):
        return None


def read_session(item: Item) -> Session | None:
    """Return the session of an item; None if a required attribute is missing, or not what it must be."""
    try:
        return Session(
            agent_id=item["agent_id"]["S"],
            session_id=item["session_id"]["S"],
            owner=item["owner"]["S"],
            agent_name=item["agent_name"]["S"],
            context=item.get("context", {}).get("S"),
            created_at=_time(item["created_at"]),
            last_active=_time(item["last_active"]),
            expires_at=_time(item["expires_at"]),
            ends_at=_time(item["ends_at"]),
            idle_seconds=int(item["idle_seconds"]["N"]),
            sign_in_number=int(item["sign_in_number"]["N"]),
            incarnation=item["incarnation"]["S"],
            exclusive="exclusive" in item,
            metadata={key: value["S"] for key, value in item["metadata"]["M"].items()} if "metadata" in item else {},
            state=cast("State", item["state"]["S"]) if "state" in item else None,
            activity=item["activity"]["S"] if "activity" in item else None,
            progress_at=_time(item["progress_at"]) if "progress_at" in item else None,
            stop_requested=_stop_request(item["stop_requested"]["M"]) if "stop_requested" in item else None,
        )
    except (KeyError, ValueError):
        return None


def session_item(session: Session) -> dict[str, Any]:
    """Return a session as an item. Nothing that can be computed is stored, so most items stay under 1 KB."""
    item: dict[str, Any] = {
        **session_key(session.agent_id, session.session_id),
        "owner": {"S": session.owner},
        "agent_name": {"S": session.agent_name},
        "created_at": number(session.created_at),
        "last_active": number(session.last_active),
        "expires_at": number(session.expires_at),
        "ends_at": number(session.ends_at),
        "idle_seconds": number(session.idle_seconds),
        "sign_in_number": number(session.sign_in_number),
        "incarnation": {"S": session.incarnation},
    }
    if session.context:
        item["context"] = {"S": session.context}
    if session.exclusive:
        item["exclusive"] = {"BOOL": True}
    if session.metadata:
        item["metadata"] = {"M": {key: {"S": value} for key, value in session.metadata.items()}}
    if session.state is not None:
        item["state"] = {"S": session.state}
    if session.activity is not None:
        item["activity"] = {"S": session.activity}
    if session.progress_at is not None:
        item["progress_at"] = number(session.progress_at)
    if session.stop_requested is not None:
        item["stop_requested"] = stop_request_value(session.stop_requested)
    return item


def _time(value: Mapping[str, Any]) -> int:
    seconds = int(value["N"])
    if seconds > MAX_TIME:
        raise ValueError("not in seconds")
    return seconds


def _count(item: Item, name: str) -> int:
    return int(item.get(name, {}).get("N", 0))


def _stop_request(value: Item) -> StopRequest:
    return StopRequest(value["reason"]["S"], _time(value["at"]))
