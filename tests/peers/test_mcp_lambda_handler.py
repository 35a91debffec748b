"""awslabs.mcp-lambda-handler 0.1.15."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from awslabs.mcp_lambda_handler.session import DynamoDBSessionStore

from tests.peers.conftest import items, throttle
from tools.dynamodb.capacity_meter import Meter

TABLE = "mcp-lambda-handler"


@pytest.fixture
def store(new_table: Callable[[str, str], str]) -> DynamoDBSessionStore:
    return DynamoDBSessionStore(new_table(TABLE, "session_id"))


def test_expired_session_is_rejected_and_deleted(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    store.table.update_item(
        Key={"session_id": session_id},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": int(time.time()) - 1},
    )

    assert store.get_session(session_id) is None
    assert items(dynamodb, TABLE) == []


def test_every_operation_takes_one_call(store: DynamoDBSessionStore) -> None:
    meter = Meter(store.dynamodb.meta.client)
    session_id = store.create_session({"agent": "Claude"})
    store.get_session(session_id)
    store.delete_session(session_id)

    assert meter.spent == (["PutItem", "GetItem", "DeleteItem"], 0.5, 2)


def test_reads_are_eventually_consistent(store: DynamoDBSessionStore) -> None:
    requests: list[dict[str, Any]] = []
    store.dynamodb.meta.client.meta.events.register(
        "before-parameter-build.dynamodb.GetItem", lambda params, **_: requests.append(dict(params))
    )
    store.get_session(store.create_session())

    assert "ConsistentRead" not in requests[0]


def test_use_does_not_extend_a_session(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    (before,) = items(dynamodb, TABLE)
    store.get_session(session_id)
    store.update_session(session_id, {"agent": "Claude", "uses": 1})

    (after,) = items(dynamodb, TABLE)
    assert after["expires_at"] == before["expires_at"]
    assert int(after["expires_at"]["N"]) - int(after["created_at"]["N"]) == 24 * 60 * 60


def test_database_failure_is_reported_as_no_session(store: DynamoDBSessionStore) -> None:
    session_id = store.create_session({"agent": "Claude"})
    throttle(store.dynamodb.meta.client)

    assert store.get_session(session_id) is None


def test_failed_deletion_returns_false(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    throttle(store.dynamodb.meta.client)

    assert store.delete_session(session_id) is False
    assert items(dynamodb, TABLE)


def test_update_after_deletion_leaves_an_item_without_ttl(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    store.delete_session(session_id)

    assert store.update_session(session_id, {"agent": "Claude"}) is True

    (item,) = items(dynamodb, TABLE)
    assert set(item) == {"session_id", "data"}
    # The next read treats the item as an expired session, and deletes it.
    assert store.get_session(session_id) is None
    assert items(dynamodb, TABLE) == []


def test_stored_id_gives_access_to_the_session(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    store.create_session({"agent": "Claude"})
    (item,) = items(dynamodb, TABLE)

    assert store.get_session(item["session_id"]["S"]) == {"agent": "Claude"}
