"""AgentsTable: one item per agent, under ``agent_id``."""

from contextlib import suppress

from agent_sessions.domain.identity import Identity
from agent_sessions.domain.models import Agent
from agent_sessions.dynamodb.items import Item, number, read_agent
from agent_sessions.dynamodb.transport import ConditionFailedError, Transport

IDENTITY_INDEX = "identity_key-index"

AGENT_EXISTS = "attribute_exists(agent_id)"
LAST_ACTIVE_IS_OLDER = "attribute_exists(agent_id) AND last_active < :seen"

# Attributes set at creation are never overwritten. A missing context is stored as NULL: an absent attribute
# would be set by the first sign-in with the context "default".
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


class AgentsTable:
    """Reads and writes agents; each method is one call.

    IAM: ``dynamodb:Query`` on the index, ``GetItem`` and ``UpdateItem`` on the table.

    Args:
        transport: Calls DynamoDB; every method raises its DatabaseError.
        name: Name of the table.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport = transport
        self.name = name

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        """Look up an identity in the index, which may lag behind the table by seconds."""
        response = self.transport(
            "Query",
            {
                "TableName": self.name,
                "IndexName": IDENTITY_INDEX,
                "KeyConditionExpression": "identity_key = :identity_key AND #owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":identity_key": {"S": identity_key}, ":owner": {"S": owner}},
            },
        )
        # Imported agents can share an identity; every reader must choose the same one.
        return min((item["agent_id"]["S"] for item in response["Items"]), default=None)

    def record_sign_in(
        self, agent_id: str, owner: str, identity: Identity, *, session_id: str, now: int
    ) -> tuple[Agent, bool]:
        """Create or reuse the agent atomically; return it, and whether this sign-in created it.

        The agent keeps the session_id of its first sign-in: a retried sign-in still recognises that it was
        the first, which a counter cannot show. An imported agent has none, but was created before.
        """
        item = self._sign_in(agent_id, owner, identity, session_id=session_id, now=now)
        created = item["first_session_id"]["S"] == session_id and item["created_at"] == number(now)
        return read_agent(item), created

    def reuse_agent(self, agent_id: str, owner: str, identity: Identity, *, session_id: str, now: int) -> Agent | None:
        """Record the sign-in of an existing agent; return None, and write nothing, if it does not exist."""
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
        response = self.transport(
            "UpdateItem",
            {
                "TableName": self.name,
                "Key": {"agent_id": {"S": agent_id}},
                "UpdateExpression": CREATE_OR_REUSE,
                "ExpressionAttributeNames": {"#owner": "owner", "#context": "context"},
                "ExpressionAttributeValues": {
                    ":owner": {"S": owner},
                    ":identity_key": {"S": identity.key},
                    ":agent_name": {"S": identity.agent_name},
                    ":context": {"S": identity.context} if identity.context else {"NULL": True},
                    ":session_id": {"S": session_id},
                    ":now": number(now),
                    ":one": {"N": "1"},
                },
                "ReturnValues": "ALL_NEW",
                **condition,
            },
        )
        item: Item = response["Attributes"]
        return item

    def get_agent(self, agent_id: str) -> Agent | None:
        """Read an agent, strongly consistent."""
        response = self.transport(
            "GetItem", {"TableName": self.name, "Key": {"agent_id": {"S": agent_id}}, "ConsistentRead": True}
        )
        return read_agent(response["Item"]) if "Item" in response else None

    def update_last_active(self, agent_id: str, seen: int) -> None:
        """Set when an agent was last seen (epoch seconds); never backwards, never for a deleted agent."""
        with suppress(ConditionFailedError):
            self.transport(
                "UpdateItem",
                {
                    "TableName": self.name,
                    "Key": {"agent_id": {"S": agent_id}},
                    "UpdateExpression": "SET last_active = :seen",
                    "ConditionExpression": LAST_ACTIVE_IS_OLDER,
                    "ExpressionAttributeValues": {":seen": number(seen)},
                },
            )
