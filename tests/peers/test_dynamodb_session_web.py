"""dynamodb-session-web 0.2.9."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from dynamodb_session_web import NullSessionInstance, SessionManager

from tests.peers.conftest import items, just_before, throttle
from tools.dynamodb.capacity_meter import Meter

TABLE = "dynamodb-session-web"


@pytest.fixture
def manager(new_table: Callable[[str, str], str]) -> SessionManager:
    return SessionManager(table_name=new_table(TABLE, "id"))


def test_expired_session_in_the_table_is_rejected(manager: SessionManager, dynamodb: Any) -> None:
    session = manager.create_and_save()
    expire(dynamodb, session.session_id)

    assert isinstance(manager.load(session.session_id), NullSessionInstance)
    assert items(dynamodb, TABLE)


def test_session_in_use_ends_with_its_absolute_timeout(manager: SessionManager, dynamodb: Any) -> None:
    session = manager.create_and_save(idle_timeout_seconds=7200, absolute_timeout_seconds=60)
    manager.load(session.session_id)

    (item,) = items(dynamodb, TABLE)
    assert int(item["expires"]["N"]) <= time.time() + 60


def test_tampered_signed_id_takes_no_call(new_table: Callable[[str, str], str]) -> None:
    manager = SessionManager(table_name=new_table(TABLE, "id"), sid_keys=["secret"])
    session = manager.create_and_save()
    meter = Meter(manager.boto_client())

    assert isinstance(manager.load(session.session_id + "x"), NullSessionInstance)
    assert meter.calls == []


def test_database_failure_is_not_reported_as_no_session(manager: SessionManager) -> None:
    session = manager.create_and_save()
    throttle(manager.boto_client())

    with pytest.raises(ClientError):
        manager.load(session.session_id)


def test_every_validation_writes(manager: SessionManager) -> None:
    session = manager.create_and_save()
    meter = Meter(manager.boto_client())
    for _ in range(3):
        manager.load(session.session_id)

    assert meter.spent == (["Query", "UpdateItem"] * 3, 3, 3)


def test_validation_in_flight_revives_an_ended_session(manager: SessionManager, dynamodb: Any) -> None:
    session = manager.create_and_save()
    ending = SessionManager(table_name=TABLE)
    just_before(manager.boto_client(), "UpdateItem", lambda: ending.clear(session.session_id))

    assert manager.load(session.session_id).session_id == session.session_id

    (item,) = items(dynamodb, TABLE)
    assert set(item) == {"id", "accessed", "created", "expires"}
    with pytest.raises(KeyError):
        ending.load(session.session_id)


def test_stored_id_gives_access_to_the_session(manager: SessionManager, dynamodb: Any) -> None:
    manager.create_and_save()
    (item,) = items(dynamodb, TABLE)

    stolen = manager.load(item["id"]["S"])
    assert not isinstance(stolen, NullSessionInstance)


def expire(dynamodb: Any, session_id: str) -> None:
    dynamodb.update_item(
        TableName=TABLE,
        Key={"id": {"S": session_id}},
        UpdateExpression="SET expires = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 1)}},
    )
