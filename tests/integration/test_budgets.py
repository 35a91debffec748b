"""The calls of every operation, as the budgets of the design name them."""

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


def test_signing_in_takes_three_calls_whether_or_not_the_agent_is_known(api: Api, sessions_calls: list[str]) -> None:
    for _ in range(2):
        api.sign_in()
    assert sessions_calls == ["Query", "UpdateItem", "PutItem"] * 2


def test_an_exclusive_sign_in_reads_the_agents_sessions_and_ends_25_in_a_call(
    api: Api, sessions_calls: list[str], frozen: FrozenClock
) -> None:
    for _ in range(26):
        api.sign_in()
    sessions_calls.clear()
    api.sign_in(exclusive=True)
    assert sessions_calls == ["Query", "UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem", "PutItem", "Query"]


def test_validating_takes_one_call_two_with_a_touch_three_once_in_five_minutes(
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


def test_signing_out_takes_two_calls(api: Api, sessions_calls: list[str]) -> None:
    token = api.sign_in().body["session_token"]
    sessions_calls.clear()
    api.sign_out(token)
    assert sessions_calls == ["DeleteItem", "UpdateItem"]


def test_a_malformed_token_takes_none(api: Api, sessions_calls: list[str]) -> None:
    api.validate("nonsense")
    api.validate("")
    assert sessions_calls == []


def test_health_check_reads_each_table_once(api: Api, sessions_calls: list[str]) -> None:
    api.send(load_event("check_health"))
    assert sessions_calls == ["GetItem", "GetItem"]


def test_reporting_progress_takes_two_calls_three_once_in_five_minutes(
    api: Api, sessions_calls: list[str], frozen: FrozenClock
) -> None:
    frozen.time = 1_800_000_000
    token = api.sign_in().body["session_token"]
    sessions_calls.clear()
    api.progress(token, state="working")
    assert sessions_calls == ["GetItem", "UpdateItem"]
    frozen.tick(300)
    sessions_calls.clear()
    api.progress(token, state="idle")
    assert sessions_calls == ["GetItem", "UpdateItem", "UpdateItem"]


def test_sixteenth_sign_in_also_claims_the_sweep_and_reads_the_sessions(api: Api, sessions_calls: list[str]) -> None:
    for _ in range(15):
        api.sign_in()
    sessions_calls.clear()
    api.sign_in()
    assert sessions_calls == ["Query", "UpdateItem", "PutItem", "UpdateItem", "Query"]


def test_requesting_a_stop_takes_one_call(api: Api, agents_calls: list[str]) -> None:
    session = api.sign_in().body
    api.stop(session["agent_id"], session["session_id"], stop_requested="enough")
    assert agents_calls == ["UpdateItem"]


def test_blocking_takes_two_calls_and_one_for_each_25_sessions(api: Api, agents_calls: list[str]) -> None:
    for _ in range(26):
        agent_id = api.sign_in().body["agent_id"]
    api.block(agent_id)
    assert agents_calls == ["UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem"]


def test_deleting_takes_one_more_than_blocking(api: Api, agents_calls: list[str]) -> None:
    api.delete(api.sign_in().body["agent_id"])
    assert agents_calls == ["UpdateItem", "Query", "BatchWriteItem", "DeleteItem"]


def test_healing_a_dead_session_takes_four_calls(
    api: Api, sessions_calls: list[str], frozen: FrozenClock, dynamodb: "DynamoDBClient"
) -> None:
    session = api.sign_in().body
    dynamodb.delete_item(TableName="AgentsTable", Key={"agent_id": {"S": session["agent_id"]}})
    frozen.tick(300)
    sessions_calls.clear()
    assert api.validate(session["session_token"]).status == 401
    assert sessions_calls == ["GetItem", "UpdateItem", "GetItem", "BatchWriteItem"]


def test_roster_takes_two_calls_for_a_hundred_sessions(api: Api, agents_calls: list[str]) -> None:
    for _ in range(3):
        api.sign_in()
    api.roster()
    assert agents_calls == ["Query", "BatchGetItem"]


def test_listing_agents_takes_two_calls(api: Api, agents_calls: list[str]) -> None:
    api.sign_in()
    api.find()
    assert agents_calls == ["Query", "BatchGetItem"]


def test_showing_an_agent_takes_two(api: Api, agents_calls: list[str]) -> None:
    agent_id = api.sign_in().body["agent_id"]
    api.agent(agent_id)
    assert agents_calls == ["GetItem", "Query"]


def test_finding_an_agent_takes_one_more(api: Api, agents_calls: list[str]) -> None:
    api.sign_in()
    api.find(agent_name="Claude")
    assert agents_calls == ["Query", "GetItem", "Query"]


def test_listing_takes_two(api: Api, agents_calls: list[str]) -> None:
    api.sessions(api.sign_in().body["agent_id"])
    assert agents_calls == ["GetItem", "Query"]


def test_ending_one_session_takes_two(api: Api, agents_calls: list[str]) -> None:
    session = api.sign_in().body
    api.end(session["agent_id"], session["session_id"])
    assert agents_calls == ["DeleteItem", "UpdateItem"]


def test_ending_all_sessions_takes_one_more_for_each_25(api: Api, agents_calls: list[str]) -> None:
    for _ in range(30):
        agent_id = api.sign_in().body["agent_id"]
    api.end_all(agent_id)
    assert agents_calls == ["UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem"]


def test_what_is_no_id_takes_none(api: Api, agents_calls: list[str]) -> None:
    api.agent("nobody")
    api.sessions("nobody")
    api.end_all("nobody")
    api.end("nobody", "nothing")
    assert agents_calls == []
