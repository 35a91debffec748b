"""An item that the service did not write hides nothing: it is skipped, and no route fails."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.functions import Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TIMES = ("created_at", "last_active", "expires_at", "ends_at")
MILLISECONDS = {"N": "1800000000000"}


def damage(dynamodb: "DynamoDBClient", session: dict[str, Any], attribute: str, value: dict[str, Any] | None) -> None:
    """Remove an attribute of a session, or replace it."""
    key = {name: {"S": session[name]} for name in ("agent_id", "session_id")}
    item = dynamodb.get_item(TableName="SessionsTable", Key=key)["Item"]
    del item[attribute]
    dynamodb.put_item(TableName="SessionsTable", Item=item if value is None else {**item, attribute: value})


@pytest.mark.parametrize("value", [None, MILLISECONDS], ids=["missing", "milliseconds"])
@pytest.mark.parametrize("attribute", TIMES)
def test_session_without_a_time_is_skipped(
    api: Api, dynamodb: "DynamoDBClient", attribute: str, value: dict[str, Any] | None
) -> None:
    damaged, other = api.sign_in("Claude").body, api.sign_in("Claude").body
    damage(dynamodb, damaged, attribute, value)

    assert api.validate(damaged["session_token"]).status == 401
    assert api.progress(damaged["session_token"], state="idle").status == 401
    for listed in (api.roster(), api.sessions(other["agent_id"])):
        assert [each["session_id"] for each in listed.body["sessions"]] == [other["session_id"]]


@pytest.mark.parametrize("attribute", TIMES)
def test_session_without_a_time_is_deleted_with_all_others(
    api: Api, dynamodb: "DynamoDBClient", attribute: str
) -> None:
    damage(dynamodb, api.sign_in("Claude").body, attribute, None)
    api.sign_in("Codex")

    assert api.end_everything().body == {"ended": 1, "more": False}
    assert dynamodb.scan(TableName="SessionsTable")["Items"] == []


def test_agent_with_a_time_in_milliseconds_is_listed(api: Api, dynamodb: "DynamoDBClient") -> None:
    ids = [api.sign_in(name).body["agent_id"] for name in ("Claude", "Codex")]
    key = {"agent_id": {"S": ids[0]}}
    item = dynamodb.get_item(TableName="AgentsTable", Key=key)["Item"]
    dynamodb.put_item(TableName="AgentsTable", Item=item | {"created_at": MILLISECONDS})

    assert {each["agent_id"] for each in api.find().body["agents"]} == set(ids)
    assert api.agent(ids[0]).body["created_at"] == "9999-12-31T23:59:59Z"
    assert api.sign_in("Claude").status == 201
