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


def test_it_refuses_an_expired_session_and_deletes_it(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    store.table.update_item(
        Key={"session_id": session_id},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": int(time.time()) - 1},
    )

    assert store.get_session(session_id) is None
    assert items(dynamodb, TABLE) == []


def test_every_verb_is_one_call_and_a_validation_half_a_unit(store: DynamoDBSessionStore) -> None:
    meter = Meter(store.dynamodb.meta.client)
    session_id = store.create_session({"agent": "Claude"})
    store.get_session(session_id)
    store.delete_session(session_id)

    assert meter.spent == (["PutItem", "GetItem", "DeleteItem"], 0.5, 2)


def test_its_reads_may_miss_a_deletion(store: DynamoDBSessionStore) -> None:
    asked: list[dict[str, Any]] = []
    store.dynamodb.meta.client.meta.events.register(
        "before-parameter-build.dynamodb.GetItem", lambda params, **_: asked.append(dict(params))
    )
    store.get_session(store.create_session())

    assert "ConsistentRead" not in asked[0]


def test_use_does_not_keep_a_session(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    (before,) = items(dynamodb, TABLE)
    store.get_session(session_id)
    store.update_session(session_id, {"agent": "Claude", "uses": 1})

    (after,) = items(dynamodb, TABLE)
    assert after["expires_at"] == before["expires_at"]
    assert int(after["expires_at"]["N"]) - int(after["created_at"]["N"]) == 24 * 60 * 60


def test_a_database_that_fails_is_told_as_no_session(store: DynamoDBSessionStore) -> None:
    session_id = store.create_session({"agent": "Claude"})
    throttle(store.dynamodb.meta.client)

    assert store.get_session(session_id) is None


def test_a_failed_deletion_is_told_only_by_what_it_returns(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    throttle(store.dynamodb.meta.client)

    assert store.delete_session(session_id) is False
    assert items(dynamodb, TABLE)


def test_an_update_in_flight_leaves_what_no_ttl_deletes(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    session_id = store.create_session({"agent": "Claude"})
    store.delete_session(session_id)

    assert store.update_session(session_id, {"agent": "Claude"}) is True

    (item,) = items(dynamodb, TABLE)
    assert set(item) == {"session_id", "data"}
    # It is no session again: the next read takes it for an expired one, and deletes it.
    assert store.get_session(session_id) is None
    assert items(dynamodb, TABLE) == []


def test_who_reads_the_table_has_the_sessions(store: DynamoDBSessionStore, dynamodb: Any) -> None:
    store.create_session({"agent": "Claude"})
    (item,) = items(dynamodb, TABLE)

    assert store.get_session(item["session_id"]["S"]) == {"agent": "Claude"}
