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


def test_a_first_sign_in_creates_the_agent_and_a_session(api: Api, frozen: FrozenClock) -> None:
    frozen.time = 1_800_000_000

    answer = api.sign_in(" Claude ", context=" Project A ")

    assert answer.status == 201
    assert answer.headers["Location"] == "sessions/current"
    body = answer.body
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


def test_the_same_identity_is_the_same_agent_with_the_name_of_its_first_sign_in(api: Api) -> None:
    first = api.sign_in("Claude", context="Project A").body

    second = api.sign_in("  CLAUDE", context="ｐroject a ").body

    assert second["agent_id"] == first["agent_id"]
    assert second["reused"] is True
    assert second["session_id"] != first["session_id"]
    assert (second["agent_name"], second["context"]) == ("Claude", "Project A")


@pytest.mark.parametrize("context", [None, "", "  ", "default", "DEFAULT"])
def test_no_context_and_the_context_default_are_one_agent(api: Api, context: str | None) -> None:
    first = api.sign_in("Claude").body

    second = api.sign_in("Claude", context=context).body

    assert second["agent_id"] == first["agent_id"]
    assert second["context"] is None, "the context of the first sign-in stays"
    assert second["display_name"] == "Claude"


def test_a_first_sign_in_with_the_context_default_keeps_it(api: Api) -> None:
    api.sign_in("Claude", context="Default")

    assert api.sign_in("Claude").body["context"] == "Default"


def test_another_context_is_another_agent(api: Api) -> None:
    ids = {api.sign_in("Claude", context=context).body["agent_id"] for context in ("a", "b", None)}

    assert len(ids) == 3


def test_an_imported_agent_is_found_by_the_index_alone(api: Api, dynamodb: "DynamoDBClient") -> None:
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


def test_of_two_imported_agents_with_one_identity_everyone_takes_the_same(api: Api, dynamodb: "DynamoDBClient") -> None:
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


def test_an_exclusive_sign_in_ends_the_older_sessions_also_those_of_the_same_second(
    api: Api, frozen: FrozenClock
) -> None:
    older = [api.sign_in(exclusive=number % 7 == 0).body["session_token"] for number in range(30)]

    newest = api.sign_in(exclusive=True).body

    assert {api.validate(token).status for token in older} == {401}
    assert api.validate(newest["session_token"]).status == 200
    assert api.agent(newest["agent_id"]).body["active_sessions"] == 1


def test_a_sign_in_that_is_not_exclusive_leaves_an_exclusive_one_alone(api: Api, frozen: FrozenClock) -> None:
    first = api.sign_in(exclusive=True).body
    second = api.sign_in().body

    assert api.validate(first["session_token"]).status == 200
    assert api.validate(second["session_token"]).status == 200


def test_clock_that_is_behind_does_not_decide_between_exclusive_sign_ins(api: Api, frozen: FrozenClock) -> None:
    first = api.sign_in().body
    frozen.tick(-1)  # as a container whose clock is a second behind

    second = api.sign_in(exclusive=True).body

    assert api.validate(first["session_token"]).status == 401
    assert api.validate(second["session_token"]).status == 200


def test_of_exclusive_sign_ins_one_after_the_other_each_gets_a_session(api: Api, frozen: FrozenClock) -> None:
    tokens = []
    for _ in range(20):
        tokens.append(api.sign_in(exclusive=True).body["session_token"])
        assert [api.validate(token).status for token in tokens] == [401] * (len(tokens) - 1) + [200]


def test_exclusive_ends_no_other_agents_sessions(api: Api, frozen: FrozenClock) -> None:
    other = api.sign_in("Other").body
    api.sign_in(exclusive=True)

    assert api.validate(other["session_token"]).status == 200


def test_a_sign_in_that_is_repeated_after_a_lost_answer_still_counts_as_the_first(
    api: Api, dynamodb: "DynamoDBClient"
) -> None:
    client: Any = client_of(api.functions["sessions"].service.tables)
    update_item = client.update_item
    calls = []

    def twice(**request: object) -> object:
        calls.append(request)
        update_item(**request)  # the answer to this one is lost, and botocore tries again
        return update_item(**request)

    client.update_item = twice
    body = api.sign_in().body

    assert len(calls) == 1
    assert body["reused"] is False


def test_items_hold_what_the_design_names_and_no_token(api: Api, dynamodb: "DynamoDBClient") -> None:
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


def test_the_longest_latin_input_stays_under_a_kilobyte(api: Api, dynamodb: "DynamoDBClient") -> None:
    authorizer = iam(f"arn:aws:iam::111122223333:user/{'u' * 64}")
    api.as_owner(authorizer).sign_in("n" * 100, context="c" * 200, exclusive=True)

    for table in ("AgentsTable", "SessionsTable"):
        (item,) = dynamodb.scan(TableName=table)["Items"]
        size = sum(len(name) + max(len(str(value).encode()) for value in each.values()) for name, each in item.items())
        assert size < 1024, table


def test_sign_in_reads_a_body_that_the_gateway_took_for_binary(api: Api) -> None:
    event = http_event("sign_in", authorizer=api.authorizer, body=b'{"agent_name": "Claude"}')

    assert api.send(event).status == 201
