import re
from typing import TYPE_CHECKING, Any

import pytest

from agent_sessions.domain.tokens import TOKEN_PATTERN
from tests.conftest import FrozenClock
from tests.support.database import client_of
from tests.support.events import http_event, iam
from tests.support.functions import OWNER, Api

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_first_sign_in_creates_agent_and_session(api: Api, frozen: FrozenClock) -> None:
    frozen.time = 1_800_000_000

    response = api.sign_in(" Claude ", context=" Project A ")

    assert response.status == 201
    assert response.headers["Location"] == "sessions/current"
    body = response.body
    assert re.fullmatch(TOKEN_PATTERN, body.pop("session_token"))
    assert body.pop("session_id")
    assert body == {
        "agent_id": body["agent_id"],
        "owner": f"iam:{OWNER}",
        "agent_name": "Claude",
        "context": "Project A",
        "display_name": "Claude - Project A",
        "identity_key": "claude:project a",
        "avatar_seed": "00r8pa6a",
        "metadata": {},
        "state": None,
        "activity": None,
        "progress_at": None,
        "stop_requested": None,
        "created_at": "2027-01-15T08:00:00Z",
        "last_active": "2027-01-15T08:00:00Z",
        "expires_at": "2027-01-15T08:31:00Z",
        "ends_at": "2027-01-15T20:00:00Z",
        "reused": False,
    }


def test_same_identity_reuses_the_agent_and_its_first_name(api: Api) -> None:
    first = api.sign_in("Claude", context="Project A").body

    second = api.sign_in("  CLAUDE", context="ｐroject a ").body

    assert second["agent_id"] == first["agent_id"]
    assert second["reused"] is True
    assert second["session_id"] != first["session_id"]
    assert (second["agent_name"], second["context"]) == ("Claude", "Project A")


@pytest.mark.parametrize("context", [None, "", "  ", "default", "DEFAULT"])
def test_no_context_equals_context_default(api: Api, context: str | None) -> None:
    first = api.sign_in("Claude").body

    second = api.sign_in("Claude", context=context).body

    assert second["agent_id"] == first["agent_id"]
    assert second["context"] is None, "the context of the first sign-in stays"
    assert second["display_name"] == "Claude"


def test_context_default_is_kept_from_the_first_sign_in(api: Api) -> None:
    api.sign_in("Claude", context="Default")

    assert api.sign_in("Claude").body["context"] == "Default"


def test_another_context_is_another_agent(api: Api) -> None:
    ids = {api.sign_in("Claude", context=context).body["agent_id"] for context in ("a", "b", None)}

    assert len(ids) == 3


def test_imported_agent_is_found_by_the_index(api: Api, dynamodb: "DynamoDBClient") -> None:
    imported = "0b0b0b0b-0000-4000-8000-000000000001"
    dynamodb.put_item(
        TableName="AgentsTable",
        Item={
            "agent_id": {"S": imported},
            "owner": {"S": f"iam:{OWNER}"},
            "identity_key": {"S": "veteran:default"},
            "agent_name": {"S": "Veteran"},
            "created_at": {"N": "1500000000"},
            "last_active": {"N": "1500000000"},
        },
    )

    body = api.sign_in("veteran").body

    assert (body["agent_id"], body["agent_name"], body["reused"]) == (imported, "Veteran", True)
    assert api.validate(body["session_token"]).status == 200
    assert api.found("VETERAN")["agent_id"] == imported


def test_two_imported_agents_of_one_identity_resolve_to_one(api: Api, dynamodb: "DynamoDBClient") -> None:
    for agent_id in ("0b0b0b0b-0000-4000-8000-000000000002", "0b0b0b0b-0000-4000-8000-000000000001"):
        dynamodb.put_item(
            TableName="AgentsTable",
            Item={
                "agent_id": {"S": agent_id},
                "owner": {"S": f"iam:{OWNER}"},
                "identity_key": {"S": "twin:default"},
                "agent_name": {"S": "Twin"},
                "created_at": {"N": "1500000000"},
                "last_active": {"N": "1500000000"},
            },
        )

    assert api.sign_in("twin").body["agent_id"] == "0b0b0b0b-0000-4000-8000-000000000001"


def test_exclusive_sign_in_ends_older_sessions_of_the_same_second_too(api: Api, frozen: FrozenClock) -> None:
    older = [api.sign_in(exclusive=number % 7 == 0).body["session_token"] for number in range(30)]

    newest = api.sign_in(exclusive=True).body

    assert {api.validate(token).status for token in older} == {401}
    assert api.validate(newest["session_token"]).status == 200
    assert api.agent(newest["agent_id"]).body["active_sessions"] == 1


def test_ordinary_sign_in_does_not_end_an_exclusive_session(api: Api, frozen: FrozenClock) -> None:
    first = api.sign_in(exclusive=True).body
    second = api.sign_in().body

    assert api.validate(first["session_token"]).status == 200
    assert api.validate(second["session_token"]).status == 200


def test_clock_skew_does_not_decide_exclusive_sign_ins(api: Api, frozen: FrozenClock) -> None:
    first = api.sign_in().body
    frozen.tick(-1)  # a container whose clock is a second behind

    second = api.sign_in(exclusive=True).body

    assert api.validate(first["session_token"]).status == 401
    assert api.validate(second["session_token"]).status == 200


def test_each_exclusive_sign_in_ends_the_one_before(api: Api, frozen: FrozenClock) -> None:
    tokens = []
    for _ in range(20):
        tokens.append(api.sign_in(exclusive=True).body["session_token"])
        assert [api.validate(token).status for token in tokens] == [401] * (len(tokens) - 1) + [200]


def test_exclusive_sign_in_ends_no_session_of_other_agents(api: Api, frozen: FrozenClock) -> None:
    other = api.sign_in("Other").body
    api.sign_in(exclusive=True)

    assert api.validate(other["session_token"]).status == 200


def test_retried_first_sign_in_is_not_reused(api: Api, dynamodb: "DynamoDBClient") -> None:
    client: Any = client_of(api.functions["sessions"].service.tables)
    update_item = client.update_item
    calls = []

    def twice(**request: object) -> object:
        calls.append(request)
        update_item(**request)  # its response is lost, and botocore retries
        return update_item(**request)

    client.update_item = twice
    body = api.sign_in().body

    assert len(calls) == 1
    assert body["reused"] is False


def test_items_have_the_documented_attributes_and_no_token(api: Api, dynamodb: "DynamoDBClient") -> None:
    body = api.sign_in("Claude", context="Project A", exclusive=True).body

    (agent,) = dynamodb.scan(TableName="AgentsTable")["Items"]
    (session,) = dynamodb.scan(TableName="SessionsTable")["Items"]
    assert set(agent) == {
        "agent_id", "owner", "identity_key", "agent_name", "context",
        "created_at", "last_active", "sign_ins", "incarnation", "ended_through", "swept_at",
    }  # fmt: skip
    assert set(session) == {
        "agent_id", "session_id", "owner", "agent_name", "context",
        "created_at", "last_active", "expires_at", "ends_at",
        "idle_seconds", "sign_in_number", "incarnation", "exclusive",
    }  # fmt: skip
    assert agent["owner"] == {"S": f"iam:{OWNER}"}
    assert body["session_token"] not in str(agent) + str(session)


def test_items_of_longest_latin_input_are_under_1_kb(api: Api, dynamodb: "DynamoDBClient") -> None:
    authorizer = iam(f"arn:aws:iam::111122223333:user/{'u' * 64}")
    api.as_owner(authorizer).sign_in("n" * 100, context="c" * 200, exclusive=True)

    for table in ("AgentsTable", "SessionsTable"):
        (item,) = dynamodb.scan(TableName=table)["Items"]
        size = sum(len(name) + max(len(str(value).encode()) for value in each.values()) for name, each in item.items())
        assert size < 1024, table


def test_sign_in_reads_a_base64_body(api: Api) -> None:
    event = http_event("sign_in", authorizer=api.authorizer, body=b'{"agent_name": "Claude"}')

    assert api.send(event).status == 201
