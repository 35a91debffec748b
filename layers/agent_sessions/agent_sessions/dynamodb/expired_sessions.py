"""The scan of the activity report that also finds expired sessions, to delete them before TTL does."""

from collections.abc import Iterator

from agent_sessions.dynamodb.items import Item
from agent_sessions.dynamodb.sessions_table import IS_EXPIRED, LIVE, SessionsTable
from agent_sessions.dynamodb.transport import Request, pages

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
        "ExpressionAttributeValues": table.live_values(now),
    }
    for page, _ in pages(table.transport, "Scan", request, _read):
        yield (
            [agent_id for agent_id, _, expires_at in page if expires_at > now],
            [(agent_id, session_id) for agent_id, session_id, expires_at in page if expires_at <= now],
        )


def _read(item: Item) -> tuple[str, str, int]:
    return item["agent_id"]["S"], item["session_id"]["S"], int(item["expires_at"]["N"])
