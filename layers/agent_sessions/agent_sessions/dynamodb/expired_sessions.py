"""Expired sessions, found by the scan of the activity report and deleted before TTL gets to them."""

from collections.abc import Iterator

from agent_sessions.dynamodb.items import Item, number, session_key
from agent_sessions.dynamodb.sessions_table import IS_EXPIRED, LIVE, SessionsTable
from agent_sessions.dynamodb.transport import ConditionFailedError, Request, pages

type Key = tuple[str, str]
"""An agent_id and a session_id."""


def scan(table: SessionsTable, *, now: int, segment: int, segments: int) -> Iterator[tuple[list[str], list[Key]]]:
    """Scan one segment, eventually consistent; yield the agent_ids of live sessions and the keys of expired ones.

    Like ``SessionsTable.live_session_agents``, whose capacity it needs.
    """
    request: Request = {
        "TableName": table.name,
        "Segment": segment,
        "TotalSegments": segments,
        "ProjectionExpression": "agent_id, session_id, expires_at",
        "FilterExpression": f"({LIVE}) OR {IS_EXPIRED}",
        "ExpressionAttributeValues": {":now": number(now), ":not_before": number(table.not_before)},
    }
    for page, _ in pages(table.transport, "Scan", request, _read):
        yield (
            [agent_id for agent_id, _, expires_at in page if expires_at > now],
            [(agent_id, session_id) for agent_id, session_id, expires_at in page if expires_at <= now],
        )


def delete(table: SessionsTable, key: Key, *, now: int) -> bool:
    """Delete a session unless a touch in flight has extended it; return whether it is gone."""
    request: Request = {
        "TableName": table.name,
        "Key": session_key(*key),
        "ConditionExpression": IS_EXPIRED,
        "ExpressionAttributeValues": {":now": number(now)},
    }
    try:
        table.transport("DeleteItem", request)
    except ConditionFailedError:
        return False
    return True


def _read(item: Item) -> tuple[str, str, int]:
    return item["agent_id"]["S"], item["session_id"]["S"], int(item["expires_at"]["N"])
