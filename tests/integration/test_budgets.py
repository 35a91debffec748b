"""The database calls of every operation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.conftest import FrozenClock
from tests.support.events import load_event
from tests.support.functions import Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Record = Callable[[object], list[str]]


@pytest.fixture
def sessions_calls(api: Api, calls: Record) -> list[str]:
    return calls(api.functions["sessions"])


@pytest.fixture
def agents_calls(api: Api, calls: Record) -> list[str]:
    return calls(api.functions["agents"])


def test_sign_in_takes_three_calls(api: Api, sessions_calls: list[str]) -> None:
    for _ in range(2):
        api.sign_in()
    assert sessions_calls == ["Query", "UpdateItem", "PutItem"] * 2


def test_exclusive_sign_in_adds_two_queries_and_a_batch_per_25(
    api: Api, sessions_calls: list[str], frozen: FrozenClock
) -> None:
    for _ in range(26):
        api.sign_in()
    sessions_calls.clear()
    api.sign_in(exclusive=True)
    assert sessions_calls == ["Query", "UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem", "PutItem", "Query"]


def test_validation_takes_one_call_two_with_touch_three_with_agent(
    api: Api, sessions_calls: list[str], frozen: FrozenClock
) -> None:
    frozen.time = 1_800_000_000
    token = api.sign_in().body["session_token"]
    sessions_calls.clear()

    api.validate(token)
    assert sessions_calls == ["GetItem"]
    frozen.tick(60)
    sessions_calls.clear()
    api.validate(token)
    assert sessions_calls == ["GetItem", "UpdateItem"]
    frozen.tick(240)
    sessions_calls.clear()
    api.validate(token)
    assert sessions_calls == ["GetItem", "UpdateItem", "UpdateItem"]


def test_sign_out_takes_two_calls(api: Api, sessions_calls: list[str]) -> None:
    token = api.sign_in().body["session_token"]
    sessions_calls.clear()
    api.sign_out(token)
    assert sessions_calls == ["DeleteItem", "UpdateItem"]


def test_malformed_token_takes_no_call(api: Api, sessions_calls: list[str]) -> None:
    api.validate("nonsense")
    api.validate("")
    assert sessions_calls == []


def test_health_check_reads_each_table_once(api: Api, sessions_calls: list[str]) -> None:
    api.send(load_event("check_health"))
    assert sessions_calls == ["GetItem", "GetItem"]


def test_progress_takes_two_calls_three_with_agent(api: Api, sessions_calls: list[str], frozen: FrozenClock) -> None:
    frozen.time = 1_800_000_000
    token = api.sign_in().body["session_token"]
    sessions_calls.clear()
    api.progress(token, state="working")
    assert sessions_calls == ["GetItem", "UpdateItem"]
    frozen.tick(300)
    sessions_calls.clear()
    api.progress(token, state="idle")
    assert sessions_calls == ["GetItem", "UpdateItem", "UpdateItem"]


def test_sixteenth_sign_in_adds_a_sweep(api: Api, sessions_calls: list[str]) -> None:
    for _ in range(15):
        api.sign_in()
    sessions_calls.clear()
    api.sign_in()
    assert sessions_calls == ["Query", "UpdateItem", "PutItem", "UpdateItem", "Query"]


def test_stop_request_takes_one_call(api: Api, agents_calls: list[str]) -> None:
    session = api.sign_in().body
    api.stop(session["agent_id"], session["session_id"], stop_requested="enough")
    assert agents_calls == ["UpdateItem"]


def test_block_takes_two_calls_and_a_batch_per_25(api: Api, agents_calls: list[str]) -> None:
    for _ in range(26):
        agent_id = api.sign_in().body["agent_id"]
    api.block(agent_id)
    assert agents_calls == ["UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem"]


def test_delete_takes_one_call_more_than_block(api: Api, agents_calls: list[str]) -> None:
    api.delete(api.sign_in().body["agent_id"])
    assert agents_calls == ["UpdateItem", "Query", "BatchWriteItem", "DeleteItem"]


def test_healing_takes_four_calls(
    api: Api, sessions_calls: list[str], frozen: FrozenClock, dynamodb: "DynamoDBClient"
) -> None:
    session = api.sign_in().body
    dynamodb.delete_item(TableName="AgentsTable", Key={"agent_id": {"S": session["agent_id"]}})
    frozen.tick(300)
    sessions_calls.clear()
    assert api.validate(session["session_token"]).status == 401
    assert sessions_calls == ["GetItem", "UpdateItem", "GetItem", "BatchWriteItem"]


def test_roster_takes_two_calls(api: Api, agents_calls: list[str]) -> None:
    for _ in range(3):
        api.sign_in()
    api.roster()
    assert agents_calls == ["Query", "BatchGetItem"]


def test_list_agents_takes_two_calls(api: Api, agents_calls: list[str]) -> None:
    api.sign_in()
    api.find()
    assert agents_calls == ["Query", "BatchGetItem"]


def test_get_agent_takes_two_calls(api: Api, agents_calls: list[str]) -> None:
    agent_id = api.sign_in().body["agent_id"]
    api.agent(agent_id)
    assert agents_calls == ["GetItem", "Query"]


def test_find_agent_takes_three_calls(api: Api, agents_calls: list[str]) -> None:
    api.sign_in()
    api.find(agent_name="Claude")
    assert agents_calls == ["Query", "GetItem", "Query"]


def test_list_sessions_takes_two_calls(api: Api, agents_calls: list[str]) -> None:
    api.sessions(api.sign_in().body["agent_id"])
    assert agents_calls == ["GetItem", "Query"]


def test_end_session_takes_two_calls(api: Api, agents_calls: list[str]) -> None:
    session = api.sign_in().body
    api.end(session["agent_id"], session["session_id"])
    assert agents_calls == ["DeleteItem", "UpdateItem"]


def test_end_all_takes_two_calls_and_a_batch_per_25(api: Api, agents_calls: list[str]) -> None:
    for _ in range(30):
        agent_id = api.sign_in().body["agent_id"]
    api.end_all(agent_id)
    assert agents_calls == ["UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem"]


def test_malformed_id_takes_no_call(api: Api, agents_calls: list[str]) -> None:
    api.agent("nobody")
    api.sessions("nobody")
    api.end_all("nobody")
    api.end("nobody", "nothing")
    assert agents_calls == []
