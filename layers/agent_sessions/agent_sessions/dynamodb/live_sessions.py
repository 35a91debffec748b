"""The live sessions of all agents, a page of the whole table at a time, for an operator."""

from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.items import read_session, session_key
from agent_sessions.dynamodb.sessions_by_owner import Position
from agent_sessions.dynamodb.sessions_table import LIVE, SessionsTable
from agent_sessions.dynamodb.transport import Request


def scan(
    table: SessionsTable, *, now: int, after: Position | None, limit: int
) -> tuple[list[Session], Position | None]:
    """Read up to ``limit`` items, eventually consistent; return the live sessions, and where to continue.

    IAM: ``dynamodb:Scan`` on the table.
    """
    request: Request = {
        "TableName": table.name,
        "FilterExpression": LIVE,
        "ExpressionAttributeValues": table.live_values(now),
        "Limit": limit,
    }
    if after is not None:
        request["ExclusiveStartKey"] = session_key(*after)
    response = table.transport("Scan", request)
    sessions = [session for item in response["Items"] if (session := read_session(item))]
    last_key = response.get("LastEvaluatedKey")
    return sessions, (last_key["agent_id"]["S"], last_key["session_id"]["S"]) if last_key else None
