"""AgentsTable: one item per agent, under ``agent_id``."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from agent_sessions.domain.identity import Identity
from agent_sessions.domain.models import Agent
from agent_sessions.dynamodb.batches import get_items
from agent_sessions.dynamodb.items import agent_key, number, read_agent, string
from agent_sessions.dynamodb.transport import ConditionFailedError, Request, Transport, succeeds

IDENTITY_INDEX = "identity_key-index"
OWNER_INDEX = "owner-index"

AGENT_EXISTS = "attribute_exists(agent_id)"
IS_OWNED = f"{AGENT_EXISTS} AND #owner = :owner"
MAY_SIGN_IN = f"{IS_OWNED} AND attribute_not_exists(blocked)"
MAY_SIGN_IN_OR_IS_NEW = "attribute_not_exists(agent_id) OR (#owner = :owner AND attribute_not_exists(blocked))"
LAST_ACTIVE_IS_OLDER = f"{AGENT_EXISTS} AND last_active < :seen"
ADMITS_SESSION = (
    f"{AGENT_EXISTS} AND attribute_not_exists(blocked)"
    " AND incarnation = :incarnation AND ended_through < :sign_in_number"
)
NOT_SWEPT_SINCE = f"{AGENT_EXISTS} AND incarnation = :incarnation AND swept_at = :swept_at"

# Attributes set at creation are never overwritten. A missing context is stored as NULL: an absent attribute
# would be set by the first sign-in with the context "default".
_SIGN_IN = (
    "SET #owner = if_not_exists(#owner, :owner),"
    " identity_key = if_not_exists(identity_key, :identity_key),"
    " agent_name = if_not_exists(agent_name, :agent_name),"
    " #context = if_not_exists(#context, :context),"
    " created_at = if_not_exists(created_at, :now),"
    " incarnation = if_not_exists(incarnation, :session_id),"
    " swept_at = if_not_exists(swept_at, :zero),"
    " ended_through = {ended_through},"
    " last_active = :now"
    " ADD sign_ins :one"
)
SIGN_IN = _SIGN_IN.format(ended_through="if_not_exists(ended_through, :zero)")
# The operand is the count before this sign-in, so the fence ends every session but the new one.
SIGN_IN_EXCLUSIVELY = _SIGN_IN.format(ended_through="if_not_exists(sign_ins, :zero)")

_OWNER: dict[str, Any] = {"#owner": "owner"}


class AgentsTable:
    """Reads and writes agents; each method is one call.

    IAM: ``dynamodb:Query`` on both indexes; ``GetItem``, ``BatchGetItem``, ``UpdateItem`` and ``DeleteItem`` on the
    table. A caller needs only those of the methods that it calls.

    Args:
        transport: Calls DynamoDB; every method raises its DatabaseError.
        name: Name of the table.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport = transport
        self.name = name

    # -- reads

    def find_agent_ids(self, owner: str, identity_key: str) -> list[str]:
        """Look up an identity in the index, which may lag behind the table by seconds.

        Imported agents can share an identity; the ids are sorted so that every reader tries them in one order.
        """
        request: Request = {
            "TableName": self.name,
            "IndexName": IDENTITY_INDEX,
            "KeyConditionExpression": "identity_key = :identity_key AND #owner = :owner",
            "ExpressionAttributeNames": _OWNER,
            "ExpressionAttributeValues": {":identity_key": string(identity_key), ":owner": string(owner)},
        }
        return sorted(item["agent_id"]["S"] for item in self.transport("Query", request)["Items"])

    def get_agent(self, agent_id: str) -> Agent | None:
        """Read an agent, strongly consistent."""
        request: Request = {"TableName": self.name, "Key": agent_key(agent_id), "ConsistentRead": True}
        response = self.transport("GetItem", request)
        return read_agent(response["Item"]) if "Item" in response else None

    def owned_agent_ids(self, owner: str, *, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """Read up to ``limit`` agent_ids of an owner from the index; return them, and where to continue."""
        request: Request = {
            "TableName": self.name,
            "IndexName": OWNER_INDEX,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": _OWNER,
            "ExpressionAttributeValues": {":owner": string(owner)},
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = {"owner": string(owner), **agent_key(after)}
        response = self.transport("Query", request)
        last_key = response.get("LastEvaluatedKey")
        return [item["agent_id"]["S"] for item in response["Items"]], last_key and last_key["agent_id"]["S"]

    def get_agents(self, agent_ids: Sequence[str]) -> list[Agent]:
        """Read agents, eventually consistent, in the order of their ids; skip those that do not exist."""
        items = get_items(self.transport, self.name, [agent_key(each) for each in agent_ids])
        agents = {agent.agent_id: agent for item in items if (agent := read_agent(item))}
        return [agents[each] for each in agent_ids if each in agents]

    def ping(self) -> None:
        """Read an item that never exists: the cheapest proof that the table responds."""
        self.transport("GetItem", {"TableName": self.name, "Key": agent_key("health")})

    # -- sign-in and use

    def record_sign_in(
        self,
        agent_id: str,
        owner: str,
        identity: Identity,
        *,
        session_id: str,
        now: int,
        exclusive: bool = False,
        must_exist: bool = False,
    ) -> Agent | None:
        """Create or reuse the agent atomically.

        Args:
            agent_id: The agent.
            owner: The caller; an item of another owner is left alone.
            identity: What a new agent is called.
            session_id: The session of this sign-in; the first one names the agent's incarnation.
            now: Epoch seconds.
            exclusive: Move the fence, so that every earlier session has ended.
            must_exist: Create nothing.

        Returns:
            The agent after the sign-in. None, with nothing written, if it is blocked, another owner's, or
            missing although it must exist: only a read can tell which.
        """
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent_id),
            "UpdateExpression": SIGN_IN_EXCLUSIVELY if exclusive else SIGN_IN,
            "ConditionExpression": MAY_SIGN_IN if must_exist else MAY_SIGN_IN_OR_IS_NEW,
            "ExpressionAttributeNames": {"#owner": "owner", "#context": "context"},
            "ExpressionAttributeValues": {
                ":owner": string(owner),
                ":identity_key": string(identity.key),
                ":agent_name": string(identity.agent_name),
                ":context": string(identity.context) if identity.context else {"NULL": True},
                ":session_id": string(session_id),
                ":now": number(now),
                ":zero": number(0),
                ":one": number(1),
            },
        }
        return self._update(request)

    def record_use(self, agent_id: str, *, now: int, incarnation: str, sign_in_number: int) -> bool:
        """Set when the agent was last seen; return False, and write nothing, if it does not admit the session.

        The condition contains no time: a clock that is behind must not make a live session look dead.
        """
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent_id),
            "UpdateExpression": "SET last_active = :now",
            "ConditionExpression": ADMITS_SESSION,
            "ExpressionAttributeValues": {
                ":now": number(now),
                ":incarnation": string(incarnation),
                ":sign_in_number": number(sign_in_number),
            },
        }
        return succeeds(self.transport, "UpdateItem", request)

    def update_last_active(self, agent_id: str, seen: int) -> None:
        """Set when an agent was last seen (epoch seconds); never backwards, never for a deleted agent."""
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent_id),
            "UpdateExpression": "SET last_active = :seen",
            "ConditionExpression": LAST_ACTIVE_IS_OLDER,
            "ExpressionAttributeValues": {":seen": number(seen)},
        }
        succeeds(self.transport, "UpdateItem", request)

    def claim_sweep(self, agent: Agent) -> bool:
        """Record that sessions are swept at this sign-in; return False if another sign-in was faster."""
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent.agent_id),
            "UpdateExpression": "SET swept_at = :sign_ins",
            "ConditionExpression": NOT_SWEPT_SINCE,
            "ExpressionAttributeValues": {
                ":sign_ins": number(agent.sign_ins),
                ":swept_at": number(agent.swept_at),
                ":incarnation": string(agent.incarnation or ""),
            },
        }
        return succeeds(self.transport, "UpdateItem", request)

    # -- control

    def move_fence(self, agent_id: str, owner: str, *, block: bool) -> Agent | None:
        """End, by number, every session so far; with ``block`` refuse new ones.

        Returns:
            The agent. None, with nothing written, if the owner has no such agent.
        """
        values = {":owner": string(owner), ":zero": number(0)}
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent_id),
            "UpdateExpression": "SET ended_through = if_not_exists(sign_ins, :zero)"
            + (", blocked = :blocked" if block else ""),
            "ConditionExpression": IS_OWNED,
            "ExpressionAttributeNames": _OWNER,
            "ExpressionAttributeValues": values | ({":blocked": {"BOOL": True}} if block else {}),
        }
        return self._update(request)

    def unblock(self, agent_id: str, owner: str) -> Agent | None:
        """Let the agent sign in again; return it, or None if the owner has no such agent."""
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent_id),
            "UpdateExpression": "REMOVE blocked",
            "ConditionExpression": IS_OWNED,
            "ExpressionAttributeNames": _OWNER,
            "ExpressionAttributeValues": {":owner": string(owner)},
        }
        return self._update(request)

    def delete_agent(self, agent: Agent) -> bool:
        """Delete an agent that is still blocked behind the same fence; return False if it is not."""
        same = "incarnation = :incarnation" if agent.incarnation else "attribute_not_exists(incarnation)"
        request: Request = {
            "TableName": self.name,
            "Key": agent_key(agent.agent_id),
            "ConditionExpression": f"attribute_exists(blocked) AND ended_through = :ended_through AND {same}",
            "ExpressionAttributeValues": {
                ":ended_through": number(agent.ended_through),
                **({":incarnation": string(agent.incarnation)} if agent.incarnation else {}),
            },
        }
        return succeeds(self.transport, "DeleteItem", request)

    def _update(self, request: Request) -> Agent | None:
        with suppress(ConditionFailedError):
            return read_agent(self.transport("UpdateItem", {**request, "ReturnValues": "ALL_NEW"})["Attributes"])
        return None
