"""The tests' engine in memory responds as DynamoDB Local and moto do."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.items import session_item
from agent_sessions.dynamodb.transport import ConditionFailedError, DynamoResponse, Request, Transport
from agent_sessions.errors import AgentSessionsError
from tests.orders import operations
from tests.orders.container import HERE, Services, deterministic
from tests.orders.worlds import NOW, OWNER, SETTINGS, WORLDS, World
from tests.support.database import Database, empty
from tests.support.expressions import UnsupportedError
from tests.support.length import by_length
from tests.support.memory_engine import MemoryEngine, Table
from tests.support.samples import session

# The made-up operations of one sequence, and how many sequences begin with each world.
STEPS, SEQUENCES = by_length((15, 1), (60, 8))

# moto ends pages one item later, and rejects less.
BY_AMAZON = pytest.mark.parametrize("new_client", ["engine"], indirect=True)

AGENTS, SESSIONS = SETTINGS.agents_table, SETTINGS.sessions_table
NO_RESPONSE = "condition failed"


class Recorder:
    """Passes calls to an engine in memory, and records them with their responses."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine
        self.exchanges: list[tuple[str, Request, object]] = []

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        sent = json.loads(json.dumps(request))
        try:
            response = self._engine(operation, request)
        except ConditionFailedError:
            self.exchanges.append((operation, sent, NO_RESPONSE))
            raise
        self.exchanges.append((operation, sent, dict(response)))
        return response


class Renamed:
    """A transport to a database whose tables have other names."""

    def __init__(self, database: Database) -> None:
        self._transport = BotocoreTransport(database.client)
        self._names = {AGENTS: database.settings.agents_table, SESSIONS: database.settings.sessions_table}
        self._originals = {there: here for here, there in self._names.items()}

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        sent = dict(request)
        if "TableName" in sent:
            sent["TableName"] = self._names[sent["TableName"]]
        else:
            sent["RequestItems"] = {self._names[name]: each for name, each in sent["RequestItems"].items()}
        response = self._transport(operation, sent)
        # moto sends the others although nobody asks for them.
        for name in ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics"):
            response.pop(name, None)
        if "Responses" in response:
            response["Responses"] = {self._originals[name]: each for name, each in response["Responses"].items()}
        return response


def memory() -> MemoryEngine:
    return MemoryEngine(Table.of("AgentsTable", AGENTS), Table.of("SessionsTable", SESSIONS))


def outcome(transport: Transport, operation: str, request: Request) -> object:
    """Return the response, without the orders that DynamoDB does not promise."""
    try:
        response: dict[str, Any] = dict(transport(operation, request))
    except ConditionFailedError:
        return NO_RESPONSE
    if operation == "BatchGetItem":
        return response | {"Responses": {name: _sorted(items) for name, items in response["Responses"].items()}}
    if "IndexName" in request:
        return response | {"Items": _sorted(response["Items"])}
    return response


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


@pytest.fixture
def recorded() -> Iterator[Callable[[World, int], list[tuple[str, Request, object]]]]:
    """Records random operations, one after the other, that begin with the items of a world."""

    def record(world: World, number: int) -> list[tuple[str, Request, object]]:
        numbers = random.Random(number)  # noqa: S311  the same each time
        recorder = Recorder(memory())
        for table, items in world.state.items():
            for item in items.values():
                recorder("PutItem", {"TableName": table, "Item": item})
        names = operations.names(world)
        for step in range(STEPS):
            operation = operations.operation(
                world, numbers.choice(names), f"{number}/{step}", numbers.randrange(-1, 60 * step + 1)
            )
            HERE.enter(operation.now, operation.seed)
            services = Services.over(recorder, world.settings)
            # Errors are recorded like everything else.
            with suppress(AgentSessionsError):
                operation.act(services)
            services.roster.list_sessions(OWNER, limit=2)
            services.roster.list_agents(OWNER)
        return recorder.exchanges

    with deterministic():
        yield record


@pytest.mark.parametrize("make", WORLDS, ids=lambda make: make.__name__)
def test_memory_responds_like_the_database(
    database: Database, recorded: Callable[[World, int], list[tuple[str, Request, object]]], make: Callable[[], World]
) -> None:
    world = make()
    for number in range(SEQUENCES):
        empty(database)
        there, here = Renamed(database), memory()
        for operation, request, response in recorded(world, number):
            expected = outcome(there, operation, request)
            assert outcome(here, operation, request) == expected, (operation, request)
            assert response == NO_RESPONSE or expected != NO_RESPONSE


def queries() -> Iterator[Request]:
    """Yield requests whose pages end at each place."""
    request: Request = {
        "TableName": SESSIONS,
        "KeyConditionExpression": "agent_id = :agent_id",
        "ExpressionAttributeValues": {":agent_id": {"S": session().agent_id}},
        "ConsistentRead": True,
    }
    later = {**request["ExpressionAttributeValues"], ":now": {"N": str(NOW)}}
    for limit in (1, 2, 3, 4):
        yield request | {"Limit": limit}
        for last in (1, 2, 3, 99):
            key = {name: session_item(session(last))[name] for name in ("agent_id", "session_id")}
            yield request | {"Limit": limit, "ExclusiveStartKey": key}
            yield request | {"ExclusiveStartKey": key, "Select": "COUNT"}
        yield request | {
            "Limit": limit,
            "FilterExpression": "expires_at > :now",
            "ExpressionAttributeValues": later,
            "Select": "COUNT",
        }


@BY_AMAZON
def test_memory_pages_like_the_database(database: Database) -> None:
    there, here = Renamed(database), memory()
    for number in (1, 2, 3):
        item = session_item(session(number, expires_at=NOW - 1 + number))
        for transport in (there, here):
            transport("PutItem", {"TableName": SESSIONS, "Item": item})
    for request in queries():
        assert outcome(here, "Query", request) == outcome(there, "Query", request), request


KEY = {"agent_id": {"S": "a"}}
UPDATE: Request = {
    "TableName": AGENTS,
    "Key": KEY,
    "UpdateExpression": "SET last_active = :now",
    "ConditionExpression": "attribute_not_exists(agent_id)",
    "ExpressionAttributeValues": {":now": {"N": "1"}},
}
CONDITIONS = (
    *(f"last_active {symbol} :now" for symbol in ("=", "<", "<=", ">", ">=")),
    *(f"swept_at {symbol} :now" for symbol in ("=", "<", "<=", ">", ">=")),
    "#context = :now OR last_active = :now AND blocked = :now",
    "(blocked = :now OR last_active = :now) AND attribute_exists(#context)",
    "last_active >= :now AND attribute_not_exists(#context)",
)
UPDATES = (
    "SET last_active = :now",
    "SET swept_at = if_not_exists(swept_at, :now), last_active = if_not_exists(swept_at, :now)",
    "SET swept_at = if_not_exists(last_active, :now) REMOVE last_active, blocked",
    "REMOVE swept_at ADD sign_ins :now",
    "ADD last_active :now",
)


@BY_AMAZON
def test_memory_evaluates_like_the_database(database: Database) -> None:
    there, here = Renamed(database), memory()
    item = {**KEY, "last_active": {"N": "10"}, "context": {"NULL": True}, "blocked": {"BOOL": True}}
    for condition, update, now in product(CONDITIONS, UPDATES, ("9", "10", "11")):
        request = UPDATE | {
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {":now": {"N": now}},
            "ReturnValues": "ALL_NEW",
        }
        if "#context" in condition:
            request |= {"ExpressionAttributeNames": {"#context": "context"}}
        outcomes = []
        for transport in (here, there):
            transport("PutItem", {"TableName": AGENTS, "Item": item})
            outcomes.append(outcome(transport, "UpdateItem", request))
        assert outcomes[0] == outcomes[1], request


INVALID: dict[str, tuple[str, Request]] = {
    "unused value": ("UpdateItem", UPDATE | {"ExpressionAttributeValues": {":now": {"N": "1"}, ":more": {"N": "1"}}}),
    "unused name": ("UpdateItem", UPDATE | {"ExpressionAttributeNames": {"#more": "more"}}),
    "missing value": ("UpdateItem", UPDATE | {"UpdateExpression": "SET last_active = :now, created_at = :then"}),
    "missing attribute": ("UpdateItem", UPDATE | {"UpdateExpression": "SET last_active = :now, created_at = swept_at"}),
    "changed key": ("UpdateItem", UPDATE | {"UpdateExpression": "SET agent_id = :now"}),
    "unfinished condition": ("UpdateItem", UPDATE | {"ConditionExpression": "attribute_exists(agent_id) AND"}),
    "consistent index": (
        "Query",
        {
            "TableName": AGENTS,
            "IndexName": "identity_key-index",
            "KeyConditionExpression": "identity_key = :key",
            "ExpressionAttributeValues": {":key": {"S": "x"}},
            "ConsistentRead": True,
        },
    ),
    "a key twice": ("BatchGetItem", {"RequestItems": {AGENTS: {"Keys": [KEY, KEY]}}}),
    "a deletion twice": ("BatchWriteItem", {"RequestItems": {AGENTS: [{"DeleteRequest": {"Key": KEY}}] * 2}}),
}


@BY_AMAZON
@pytest.mark.parametrize("case", INVALID)
def test_memory_rejects_what_the_database_rejects(database: Database, case: str) -> None:
    operation, request = INVALID[case]
    with pytest.raises(ClientError, match="ValidationException"):
        Renamed(database)(operation, request)
    with pytest.raises(UnsupportedError):
        memory()(operation, request)


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("Scan", {}),
        ("UpdateItem", {"UpdateExpression": "SET last_active = last_active + :now"}),
        ("UpdateItem", {"UpdateExpression": "DELETE last_active :now"}),
        ("UpdateItem", {"ConditionExpression": "begins_with(agent_id, :now)"}),
        ("UpdateItem", {"ConditionExpression": "NOT attribute_exists(agent_id)"}),
        ("UpdateItem", {"ConditionExpression": "last_active <> :now"}),
        ("UpdateItem", {"ConditionExpression": "a.b = :now"}),
        ("UpdateItem", {"ReturnValues": "UPDATED_NEW"}),
        ("UpdateItem", {"ReturnConsumedCapacity": "TOTAL"}),
    ],
)
def test_unknown_syntax_raises(operation: str, change: Request) -> None:
    with pytest.raises(UnsupportedError):
        memory()(operation, UPDATE | change)
