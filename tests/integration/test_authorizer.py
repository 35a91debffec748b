"""The authorizer's decisions, for an event of every kind of API that can use it."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from agent_sessions.errors import DatabaseError
from tests.conftest import FrozenClock
from tests.support.database import client_of
from tests.support.functions import Api, Context
from tests.support.tokens import token_of

# As API Gateway sends them: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
EVENTS = {path.stem: path.read_text() for path in Path(__file__).with_name("authorizer_events").glob("*.json")}
UNKNOWN_TOKEN = token_of(bytes(32))
SIMPLE = "http_2_0"
POLICIES = sorted(set(EVENTS) - {SIMPLE})


@pytest.fixture
def authorizer(load_function: Callable[[str], ModuleType]) -> ModuleType:
    return load_function("authorizer")


def event(kind: str, token: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(EVENTS[kind].replace("SESSION_TOKEN", token))
    return loaded


def decide(authorizer: ModuleType, sent: dict[str, Any]) -> dict[str, Any]:
    decision: dict[str, Any] = authorizer.handler(sent, Context())
    json.dumps(decision)  # Lambda serialises it
    return decision


def is_allowed(decision: dict[str, Any]) -> bool:
    """Return whether a gateway would let the request pass."""
    if "policyDocument" not in decision:
        return decision["isAuthorized"] is True
    (statement,) = decision["policyDocument"]["Statement"]
    return bool(statement["Effect"] == "Allow")


@pytest.mark.parametrize("kind", EVENTS)
def test_live_session_is_allowed_with_its_context(authorizer: ModuleType, api: Api, kind: str) -> None:
    session = api.sign_in("Claude", context="Project A").body

    decision = decide(authorizer, event(kind, session["session_token"]))

    assert is_allowed(decision)
    assert decision["context"] == {
        "agent_id": session["agent_id"],
        "session_id": session["session_id"],
        "owner": session["owner"],
        "agent_name": "Claude",
        "context": "Project A",
        "expires_at": session["expires_at"],
    }


@pytest.mark.parametrize("kind", EVENTS)
def test_context_leaves_out_what_is_not_set(authorizer: ModuleType, api: Api, kind: str) -> None:
    token = api.sign_in("Claude").body["session_token"]

    assert not {"context", "stop_requested"} & set(decide(authorizer, event(kind, token))["context"])


@pytest.mark.parametrize("kind", EVENTS)
def test_stop_request_is_passed_on(authorizer: ModuleType, api: Api, kind: str) -> None:
    session = api.sign_in("Claude").body
    api.stop(session["agent_id"], session["session_id"], stop_requested="wrong branch")

    assert decide(authorizer, event(kind, session["session_token"]))["context"]["stop_requested"] == "wrong branch"


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("token", ["malformed", UNKNOWN_TOKEN, ""])
def test_token_of_no_session_is_denied(authorizer: ModuleType, kind: str, token: str) -> None:
    decision = decide(authorizer, event(kind, token))

    assert not is_allowed(decision)
    assert "context" not in decision


@pytest.mark.parametrize("kind", EVENTS)
def test_signed_out_session_is_denied(authorizer: ModuleType, api: Api, kind: str) -> None:
    token = api.sign_in("Claude").body["session_token"]
    assert is_allowed(decide(authorizer, event(kind, token)))

    api.sign_out(token)

    assert not is_allowed(decide(authorizer, event(kind, token)))


def test_denial_of_http_api_is_simple(authorizer: ModuleType) -> None:
    assert decide(authorizer, event(SIMPLE, UNKNOWN_TOKEN)) == {"isAuthorized": False}


@pytest.mark.parametrize("kind", POLICIES)
def test_policy_is_about_the_whole_stage(authorizer: ModuleType, api: Api, kind: str) -> None:
    sent = event(kind, api.sign_in("Claude").body["session_token"])
    stage = "/".join(sent["methodArn"].split("/")[:2])
    denied = event(kind, UNKNOWN_TOKEN)

    for each in (sent, denied):
        decision = decide(authorizer, each)
        assert decision["policyDocument"]["Version"] == "2012-10-17"
        (statement,) = decision["policyDocument"]["Statement"]
        assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", f"{stage}/*")
        assert decision["principalId"]


@pytest.mark.parametrize("kind", EVENTS)
def test_missing_header_is_denied(authorizer: ModuleType, kind: str) -> None:
    sent = event(kind, UNKNOWN_TOKEN) | {"headers": None, "authorizationToken": None}

    assert not is_allowed(decide(authorizer, sent))


@pytest.mark.parametrize("kind", EVENTS)
def test_failing_database_raises(authorizer: ModuleType, api: Api, kind: str) -> None:
    sent = event(kind, api.sign_in("Claude").body["session_token"])

    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    client_of(authorizer.service.tables).meta.events.register("before-call.dynamodb", fail)

    with pytest.raises(DatabaseError):
        decide(authorizer, sent)


@pytest.mark.parametrize("sent", [{}, {"version": "2.0", "routeArn": "x"}, {"type": "TOKEN", "methodArn": None}])
def test_event_of_no_authorizer_is_an_error(authorizer: ModuleType, sent: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="not one of a Lambda authorizer"):
        decide(authorizer, sent)


def test_use_is_recorded(authorizer: ModuleType, api: Api, frozen: FrozenClock) -> None:
    session = api.sign_in("Claude").body
    frozen.tick(120)

    decision = decide(authorizer, event(SIMPLE, session["session_token"]))

    assert decision["context"]["expires_at"] > session["expires_at"]


def test_validation_is_one_read(
    authorizer: ModuleType, api: Api, frozen: FrozenClock, calls: Callable[[Any], list[str]]
) -> None:
    token = api.sign_in("Claude").body["session_token"]
    made = calls(authorizer)

    decide(authorizer, event(SIMPLE, token))
    assert made == ["GetItem"]

    made.clear()
    decide(authorizer, event(SIMPLE, "malformed"))
    assert made == []


def test_session_of_blocked_agent_is_healed(
    authorizer: ModuleType, api: Api, frozen: FrozenClock, calls: Callable[[Any], list[str]], dynamodb: Any
) -> None:
    session = api.sign_in("Claude").body
    key = {"agent_id": {"S": session["agent_id"]}}
    dynamodb.update_item(
        TableName="AgentsTable",
        Key=key,
        UpdateExpression="SET blocked = :yes",
        ConditionExpression="attribute_exists(agent_id)",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    frozen.tick(600)
    made = calls(authorizer)

    assert not is_allowed(decide(authorizer, event(SIMPLE, session["session_token"])))
    assert made == ["GetItem", "UpdateItem", "GetItem", "BatchWriteItem"]


def test_decision_is_one_log_line_with_the_metrics(
    authorizer: ModuleType, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    session = api.sign_in("Claude").body
    capsys.readouterr()

    decide(authorizer, event(SIMPLE, session["session_token"]))
    decide(authorizer, event(SIMPLE, UNKNOWN_TOKEN))

    allowed, denied = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (allowed["authorized"], allowed["api_id"], allowed["session_id"]) == (
        True,
        "abcdef123",
        session["session_id"],
    )
    assert allowed["Validations"] == 1
    assert (denied["authorized"], denied["RejectedTokens"]) == (False, 1)
    assert "/orders/42" not in json.dumps([allowed, denied])
