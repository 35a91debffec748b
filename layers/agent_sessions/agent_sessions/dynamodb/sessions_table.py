"""SessionsTable: one item per session, under ``agent_id`` and ``session_id``."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Any

from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.items import number, read_session, session_item, session_key
from agent_sessions.dynamodb.transport import ConditionFailedError, Request, Transport, pages
from agent_sessions.errors import DatabaseError

# A write must not recreate a session that a sign-out, a TTL deletion or an expiry has ended.
IS_LIVE = "attribute_exists(session_id) AND expires_at > :now"
IS_OWNED = "#owner = :owner"

BATCH = 25  # items in one BatchWriteItem
BATCH_ATTEMPTS = 5


class SessionsTable:
    """Reads and writes sessions; each method is one call, or one series of pages or batches.

    IAM: ``dynamodb:GetItem``, ``PutItem``, ``UpdateItem``, ``DeleteItem``, ``Query``, ``BatchWriteItem``, and
    for the activity report alone ``Scan``. A caller needs only those of the methods that it calls.

    Args:
        transport: Calls DynamoDB; every method raises its DatabaseError.
        name: Name of the table.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport = transport
        self.name = name

    def put_session(self, session: Session) -> None:
        """Write a new session."""
        self.transport("PutItem", {"TableName": self.name, "Item": session_item(session)})

    def get_session(self, agent_id: str, session_id: str) -> Session | None:
        """Read a session, live or not, strongly consistent."""
        response = self.transport(
            "GetItem", {"TableName": self.name, "Key": session_key(agent_id, session_id), "ConsistentRead": True}
        )
        return read_session(response["Item"]) if "Item" in response else None

    def touch_session(self, agent_id: str, session_id: str, *, now: int, expires_at: int) -> bool:
        """Move the times of a live session forward; return False, and write nothing, if it has ended."""
        try:
            self.transport(
                "UpdateItem",
                {
                    "TableName": self.name,
                    "Key": session_key(agent_id, session_id),
                    "UpdateExpression": "SET last_active = :now, expires_at = :expires_at",
                    "ConditionExpression": IS_LIVE,
                    "ExpressionAttributeValues": {":now": number(now), ":expires_at": number(expires_at)},
                },
            )
        except ConditionFailedError:
            return False
        return True

    def delete_session(self, agent_id: str, session_id: str, *, owner: str | None = None) -> Session | None:
        """Delete a session, if ``owner`` is given only one of that owner's; return the deleted session."""
        request: Request = {
            "TableName": self.name,
            "Key": session_key(agent_id, session_id),
            "ReturnValues": "ALL_OLD",
        }
        if owner is not None:
            request |= {
                "ConditionExpression": IS_OWNED,
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": {"S": owner}},
            }
        try:
            response = self.transport("DeleteItem", request)
        except ConditionFailedError:
            return None
        return read_session(response["Attributes"]) if "Attributes" in response else None

    def sessions_of(self, agent_id: str, *, after: str | None = None, limit: int | None = None) -> Iterator[Session]:
        """Read the sessions of an agent, live or not, ordered by session_id, strongly consistent.

        Args:
            agent_id: The agent.
            after: Start after this session_id, whether or not it exists. It is only half of a key, so it
                cannot lead to another agent's sessions.
            limit: The most items to read per call; all are read in the end.
        """
        request: Request = {
            "TableName": self.name,
            "KeyConditionExpression": "agent_id = :agent_id",
            "ExpressionAttributeValues": {":agent_id": {"S": agent_id}},
            "ConsistentRead": True,
        }
        if limit is not None:
            request["Limit"] = limit
        if after is not None:
            request["ExclusiveStartKey"] = session_key(agent_id, after)
        for page in pages(self.transport, "Query", request, read_session):
            yield from page

    def delete_sessions(self, sessions: Iterable[Session]) -> None:
        """Delete sessions, 25 per call; raises DatabaseError if DynamoDB leaves some after 5 attempts."""
        for batch in batched(sessions, BATCH, strict=False):
            left: Sequence[Any] = [
                {"DeleteRequest": {"Key": session_key(each.agent_id, each.session_id)}} for each in batch
            ]
            for attempt in range(BATCH_ATTEMPTS):
                response = self.transport("BatchWriteItem", {"RequestItems": {self.name: left}})
                left = response["UnprocessedItems"].get(self.name, [])
                if not left:
                    break
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  jitter is no secret
            else:
                raise DatabaseError("BatchWriteItem")

    def live_session_agents(self, *, now: int, segment: int, segments: int) -> Iterator[Sequence[str]]:
        """Scan one segment, eventually consistent; yield the agent_id of each live session, a page at a time.

        A segment returns all sessions of an agent in a row.
        """
        request: Request = {
            "TableName": self.name,
            "Segment": segment,
            "TotalSegments": segments,
            "ProjectionExpression": "agent_id",
            "FilterExpression": "expires_at > :now",
            "ExpressionAttributeValues": {":now": number(now)},
        }
        return pages(self.transport, "Scan", request, lambda item: item["agent_id"]["S"])

    def ping(self) -> None:
        """Read an item that never exists: the cheapest proof that the database responds."""
        self.transport("GetItem", {"TableName": self.name, "Key": session_key("health", "health")})
