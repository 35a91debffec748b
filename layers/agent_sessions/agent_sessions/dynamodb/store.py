"""Agents and sessions in DynamoDB: the one file that knows keys, attributes and expressions."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import batched
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config

from agent_sessions.domain.identity import Identity
from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.client import CLIENT_CONFIG, ConditionFailedError, call, create_client
from agent_sessions.dynamodb.items import Item, number, read_agent, read_session, session_item, session_key
from agent_sessions.errors import DatabaseError
from agent_sessions.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

IDENTITY_INDEX = "identity_key-index"

# A write may not create what a sign-out, a TTL deletion or an expiry has ended.
IS_LIVE = "attribute_exists(session_id) AND expires_at > :now"
IS_OWNED = "#owner = :owner"
AGENT_EXISTS = "attribute_exists(agent_id)"
LAST_ACTIVE_IS_OLDER = "attribute_exists(agent_id) AND last_active < :seen"

# Everything set at birth survives every later sign-in. A missing context is stored as NULL, because
# an attribute that is not there would be set by the first sign-in with the context "default".
CREATE_OR_REUSE = (
    "SET #owner = if_not_exists(#owner, :owner),"
    " identity_key = if_not_exists(identity_key, :identity_key),"
    " agent_name = if_not_exists(agent_name, :agent_name),"
    " #context = if_not_exists(#context, :context),"
    " created_at = if_not_exists(created_at, :now),"
    " first_session_id = if_not_exists(first_session_id, :session_id),"
    " last_active = :now"
    " ADD sign_ins :one"
)

BATCH = 25  # items in one BatchWriteItem
BATCH_ATTEMPTS = 5


class Store:
    """All reads and writes of the two tables; each method is one call or one series of pages.

    IAM: ``dynamodb:Query`` on the index of agents; ``GetItem``, ``UpdateItem`` on agents; ``GetItem``,
    ``PutItem``, ``UpdateItem``, ``DeleteItem``, ``Query``, ``BatchWriteItem`` on sessions; ``Scan`` on
    sessions for the report alone. A caller needs only those of the methods it calls.

    Every method raises DatabaseError where DynamoDB throttles, fails or cannot be reached.
    """

    def __init__(self, client: "DynamoDBClient", *, agents_table: str, sessions_table: str) -> None:
        self._client = client
        self._agents = agents_table
        self._sessions = sessions_table

    @classmethod
    def from_settings(cls, settings: Settings, patience: Config = CLIENT_CONFIG) -> Self:
        """Make the store of this deployment, with a client of its own."""
        return cls(create_client(patience), agents_table=settings.agents_table, sessions_table=settings.sessions_table)

    # -- agents

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        """Look an identity up in the index, which may lag behind the table by seconds."""
        answer = call(
            self._client.query,
            TableName=self._agents,
            IndexName=IDENTITY_INDEX,
            KeyConditionExpression="identity_key = :identity_key AND #owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":identity_key": {"S": identity_key}, ":owner": {"S": owner}},
        )
        # Two are possible where agents were imported; every reader must choose the same one.
        return min((item["agent_id"]["S"] for item in answer["Items"]), default=None)

    def record_sign_in(
        self, agent_id: str, owner: str, identity: Identity, *, session_id: str, now: int
    ) -> tuple[Agent, bool]:
        """Create the agent or reuse it, atomically; return it and whether this sign-in created it.

        The session of the first sign-in is kept on the agent: a repeated attempt of the same sign-in
        still finds itself to be the first, which a counter could not tell. An imported agent has none,
        but was created before.
        """
        item = self._sign_in(agent_id, owner, identity, session_id=session_id, now=now)
        created = item["first_session_id"]["S"] == session_id and item["created_at"] == number(now)
        return read_agent(item), created

    def reuse_agent(self, agent_id: str, owner: str, identity: Identity, *, session_id: str, now: int) -> Agent | None:
        """Record the sign-in of an agent that is there; return None, and write nothing, where it is not."""
        try:
            return read_agent(
                self._sign_in(
                    agent_id, owner, identity, session_id=session_id, now=now, ConditionExpression=AGENT_EXISTS
                )
            )
        except ConditionFailedError:
            return None

    def _sign_in(
        self, agent_id: str, owner: str, identity: Identity, *, session_id: str, now: int, **condition: str
    ) -> Item:
        answer = call(
            self._client.update_item,
            TableName=self._agents,
            Key={"agent_id": {"S": agent_id}},
            UpdateExpression=CREATE_OR_REUSE,
            ExpressionAttributeNames={"#owner": "owner", "#context": "context"},
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":identity_key": {"S": identity.key},
                ":agent_name": {"S": identity.agent_name},
                ":context": {"S": identity.context} if identity.context else {"NULL": True},
                ":session_id": {"S": session_id},
                ":now": number(now),
                ":one": {"N": "1"},
            },
            ReturnValues="ALL_NEW",
            **condition,
        )
        item: Item = answer["Attributes"]
        return item

    def get_agent(self, agent_id: str) -> Agent | None:
        """Read an agent, strongly consistent."""
        answer = call(
            self._client.get_item,
            TableName=self._agents,
            Key={"agent_id": {"S": agent_id}},
            ConsistentRead=True,
        )
        return read_agent(answer["Item"]) if "Item" in answer else None

    def update_last_active(self, agent_id: str, seen: int) -> None:
        """Write when an agent was last seen; never backwards, and never for an agent that is gone."""
        with suppress(ConditionFailedError):
            call(
                self._client.update_item,
                TableName=self._agents,
                Key={"agent_id": {"S": agent_id}},
                UpdateExpression="SET last_active = :seen",
                ConditionExpression=LAST_ACTIVE_IS_OLDER,
                ExpressionAttributeValues={":seen": number(seen)},
            )

    # -- sessions

    def put_session(self, session: Session) -> None:
        """Write a new session."""
        call(self._client.put_item, TableName=self._sessions, Item=session_item(session))

    def get_session(self, agent_id: str, session_id: str) -> Session | None:
        """Read a session, live or not, strongly consistent."""
        answer = call(
            self._client.get_item,
            TableName=self._sessions,
            Key=session_key(agent_id, session_id),
            ConsistentRead=True,
        )
        return read_session(answer["Item"]) if "Item" in answer else None

    def touch_session(self, agent_id: str, session_id: str, *, now: int, expires_at: int) -> bool:
        """Move a live session forward; return False, and write nothing, where it has ended."""
        try:
            call(
                self._client.update_item,
                TableName=self._sessions,
                Key=session_key(agent_id, session_id),
                UpdateExpression="SET last_active = :now, expires_at = :expires_at",
                ConditionExpression=IS_LIVE,
                ExpressionAttributeValues={":now": number(now), ":expires_at": number(expires_at)},
            )
        except ConditionFailedError:
            return False
        return True

    def delete_session(self, agent_id: str, session_id: str, *, owner: str | None = None) -> Session | None:
        """Delete a session, where ``owner`` is given only one of that owner's; return what was there."""
        condition: dict[str, Any] = {}
        if owner is not None:
            condition = {
                "ConditionExpression": IS_OWNED,
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": {"S": owner}},
            }
        try:
            answer = call(
                self._client.delete_item,
                TableName=self._sessions,
                Key=session_key(agent_id, session_id),
                ReturnValues="ALL_OLD",
                **condition,
            )
        except ConditionFailedError:
            return None
        return read_session(answer["Attributes"]) if "Attributes" in answer else None

    def sessions_of(self, agent_id: str, *, after: str | None = None, limit: int | None = None) -> Iterator[Session]:
        """Read the sessions of an agent, live or not, by handle, strongly consistent.

        Args:
            agent_id: Whose sessions.
            after: Start behind this handle, whether or not it exists. Being no more than a handle, it
                cannot lead to another agent's sessions.
            limit: The most to read at a time; all are read in the end.
        """
        query: dict[str, Any] = {
            "TableName": self._sessions,
            "KeyConditionExpression": "agent_id = :agent_id",
            "ExpressionAttributeValues": {":agent_id": {"S": agent_id}},
            "ConsistentRead": True,
        }
        if limit is not None:
            query["Limit"] = limit
        if after is not None:
            query["ExclusiveStartKey"] = session_key(agent_id, after)
        for page in _pages(self._client.query, query, read_session):
            yield from page

    def delete_sessions(self, sessions: Iterable[Session]) -> None:
        """Delete many sessions, 25 to a call; raises DatabaseError where DynamoDB leaves some after 5 attempts."""
        for batch in batched(sessions, BATCH, strict=False):
            left: Sequence[Any] = [
                {"DeleteRequest": {"Key": session_key(each.agent_id, each.session_id)}} for each in batch
            ]
            for attempt in range(BATCH_ATTEMPTS):
                answer = call(self._client.batch_write_item, RequestItems={self._sessions: left})
                left = answer["UnprocessedItems"].get(self._sessions, [])
                if not left:
                    break
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  jitter is no secret
            else:
                raise DatabaseError("batch_write_item")

    # -- the report and the health check

    def live_session_agents(self, *, now: int, segment: int, segments: int) -> Iterator[Sequence[str]]:
        """Scan one segment, eventually consistent; yield the agent of each live session, a page at a time.

        The sessions of one agent come in a row, within one segment.
        """
        scan = {
            "TableName": self._sessions,
            "Segment": segment,
            "TotalSegments": segments,
            "ProjectionExpression": "agent_id",
            "FilterExpression": "expires_at > :now",
            "ExpressionAttributeValues": {":now": number(now)},
        }
        return _pages(self._client.scan, scan, lambda item: item["agent_id"]["S"])

    def ping(self) -> None:
        """Read an item that is never there: the cheapest proof that the database answers."""
        call(self._client.get_item, TableName=self._sessions, Key=session_key("health", "health"))


def _pages[T](operation: Any, request: dict[str, Any], read: Callable[[Item], T]) -> Iterator[Sequence[T]]:
    """Yield what ``read`` takes of the items, a page at a time; no answer is kept while the next is read."""
    while True:
        answer = call(operation, **request)
        page, last = [read(item) for item in answer["Items"]], answer.get("LastEvaluatedKey")
        del answer
        yield page
        if last is None:
            return
        request = {**request, "ExclusiveStartKey": last}
