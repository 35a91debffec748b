"""The behaviour of other session stores on DynamoDB Local; they have an environment of their own."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from tools.dynamodb.local_engine import Engine, missing
from tools.dynamodb.plain_table import create_plain_table


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """DynamoDB Local, started once."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    engine = Engine.start(tmp_path_factory.mktemp("dynamodb-local"))
    yield engine
    engine.stop()


@pytest.fixture(autouse=True)
def account(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which boto3 finds the engine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", engine.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def dynamodb(account: None) -> Any:
    """A client to inspect the tables of a store."""
    return boto3.client("dynamodb")


@pytest.fixture
def new_table(dynamodb: Any) -> Iterator[Callable[[str, str], str]]:
    """Creates a table with this name and key, which is deleted after the test."""
    made = []

    def new_table(name: str, key: str) -> str:
        create_plain_table(dynamodb, name, key)
        made.append(name)
        return name

    yield new_table
    for name in made:
        dynamodb.delete_table(TableName=name)


def items(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    """Return all items of a table."""
    found: list[dict[str, Any]] = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    return found


def just_before(client: Any, operation: str, action: Callable[[], Any]) -> None:
    """Run an action once, just before a client sends an operation, so that the client always loses the race."""
    done: list[bool] = []

    def act(**_: Any) -> None:
        if not done:
            done.append(True)
            action()

    client.meta.events.register(f"before-send.dynamodb.{operation}", act)


def throttle(client: Any) -> None:
    """Let every call of a client fail as if DynamoDB were overloaded."""

    def fail(**_: Any) -> Any:
        raise client.exceptions.ProvisionedThroughputExceededException({"Error": {"Code": "Throttled"}}, "GetItem")

    client.meta.events.register("before-send.dynamodb", fail)
