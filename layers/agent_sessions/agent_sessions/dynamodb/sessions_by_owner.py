"""The index of SessionsTable by owner: the sessions of all agents of an owner, seconds behind the table."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.batches import get_items
from agent_sessions.dynamodb.items import Item, read_session, session_key, string
from agent_sessions.dynamodb.transport import Request, Transport

OWNER_INDEX = "owner-index"

type Position = tuple[str, str]
"""An agent_id and a session_id: where in the index to continue."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A session as the index shows it: only attributes that never change, so that no touch pays for the index."""

    agent_id: str
    session_id: str
    created_at: int
    ends_at: int

    @property
    def key(self) -> Position:
        """The key of the session in the table, and its position in the index."""
        return self.agent_id, self.session_id


class SessionsByOwner:
    """Reads the index; each method is one call, or one series of batches.

    IAM: ``dynamodb:Query`` on the index, ``BatchGetItem`` on the table.

    Args:
        transport: Calls DynamoDB; every method raises its DatabaseError.
        name: Name of the table.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport = transport
        self.name = name

    def page(self, owner: str, *, after: Position | None, limit: int) -> tuple[list[IndexEntry], Position | None]:
        """Read up to ``limit`` entries of an owner, live or not.

        Args:
            owner: The owner.
            after: Start after this position, whether or not there is a session. It is only a part of the key,
                so it cannot lead to another owner's sessions.
            limit: The most entries.

        Returns:
            The entries, and the position after the last one if the index has more.
        """
        request: Request = {
            "TableName": self.name,
            "IndexName": OWNER_INDEX,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": string(owner)},
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = {"owner": string(owner), **session_key(*after)}
        response = self.transport("Query", request)
        entries = [_read_entry(item) for item in response["Items"]]
        last_key = response.get("LastEvaluatedKey")
        return entries, (last_key["agent_id"]["S"], last_key["session_id"]["S"]) if last_key else None

    def read(self, entries: Sequence[IndexEntry]) -> list[Session]:
        """Read the sessions of entries from the table, eventually consistent; skip those that were deleted."""
        items = get_items(self.transport, self.name, [session_key(*each.key) for each in entries])
        sessions = {(each.agent_id, each.session_id): each for item in items if (each := read_session(item))}
        return [sessions[each.key] for each in entries if each.key in sessions]


def _read_entry(item: Item) -> IndexEntry:
    """Return an entry; one whose times are missing or have another type ended in 1970, because it is not a session."""
    try:
        created_at, ends_at = int(item["created_at"]["N"]), int(item["ends_at"]["N"])
    except (KeyError, ValueError):
        created_at = ends_at = 0
    return IndexEntry(item["agent_id"]["S"], item["session_id"]["S"], created_at, ends_at)
