"""Batches: what DynamoDB leaves unprocessed is sent again, and given up after five attempts."""

import random
from typing import Any

import pytest

from agent_sessions.dynamodb import batches
from agent_sessions.dynamodb.transport import DynamoResponse
from agent_sessions.errors import DatabaseError

KEYS = [{"id": {"S": str(number)}} for number in range(30)]


class Throttled:
    """A transport that leaves the last entry of each batch unprocessed, ``times`` times."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.sent: list[int] = []

    def __call__(self, operation: str, request: dict[str, Any]) -> DynamoResponse:
        entries = request["RequestItems"]["table"]
        keys = entries["Keys"] if operation == "BatchGetItem" else entries
        self.sent.append(len(keys))
        left = keys[-1:] if self._times > 0 else []
        self._times -= 1
        if operation == "BatchGetItem":
            done = [key for key in keys if key not in left]
            unprocessed = {"table": {"Keys": left}} if left else {}
            return DynamoResponse(operation, {"Responses": {"table": done}, "UnprocessedKeys": unprocessed})
        return DynamoResponse(operation, {"UnprocessedItems": {"table": left} if left else {}})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    longest: list[float] = []

    def uniform(_: float, high: float) -> float:
        longest.append(round(high, 3))
        return 0

    monkeypatch.setattr(random, "uniform", uniform)
    return longest


def test_unprocessed_deletions_are_retried_with_growing_pauses(pauses: list[float]) -> None:
    transport = Throttled(times=4)
    batches.delete_items(transport, "table", KEYS)
    assert transport.sent == [25, 1, 1, 1, 1, 5]
    assert pauses == [0.05, 0.1, 0.2, 0.4]


def test_unprocessed_keys_are_read_again(pauses: list[float]) -> None:
    transport = Throttled(times=2)
    assert list(batches.get_items(transport, "table", KEYS)) == KEYS
    assert transport.sent == [30, 1, 1]
    assert pauses == [0.05, 0.1]


def test_deletions_left_five_times_raise_database_error(pauses: list[float]) -> None:
    with pytest.raises(DatabaseError) as error:
        batches.delete_items(Throttled(times=5), "table", KEYS[:2])
    assert error.value.operation == "BatchWriteItem"
    assert len(pauses) == 4, "a pause follows the last attempt"


def test_keys_left_five_times_raise_database_error(pauses: list[float]) -> None:
    with pytest.raises(DatabaseError) as error:
        list(batches.get_items(Throttled(times=5), "table", KEYS[:2]))
    assert error.value.operation == "BatchGetItem"
    assert len(pauses) == 4, "a pause follows the last attempt"
