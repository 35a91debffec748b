"""The policy in the README lets a function that uses the layer validate and touch, and nothing else."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions import clock
from agent_sessions.domain.identity import Identity, agent_id
from agent_sessions.domain.models import Session
from agent_sessions.domain.tokens import SessionToken
from agent_sessions.dynamodb.items import session_item
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import DynamoResponse, Request
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from tests.conftest import FrozenClock
from tests.support.samples import OWNER, session
from tools import ROOT

SETTINGS = Settings(agents_table="AgentsTable", sessions_table="SessionsTable")
AGENT_ID = agent_id(OWNER, Identity.of("Claude").key)

type Call = tuple[str, Request]


def statements() -> list[dict[str, Any]]:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (policy,) = [json.loads(block) for block in blocks if "dynamodb:Attributes" in block]
    return list(policy["Statement"])


def allows(call: Call) -> bool:
    """Evaluate the policy as IAM does: an action on a table, and each attribute that a request names."""
    operation, request = call
    for each in statements():
        tables = [each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"]
        if each["Action"] == f"dynamodb:{operation}" and request["TableName"] in {arn.split("/")[1] for arn in tables}:
            allowed = each.get("Condition", {}).get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes")
            if allowed is None or attributes(request) <= set(allowed):
                return True
    return False


def attributes(request: Request) -> set[str]:
    """Return the attributes that a request names, in its key and in its expressions."""
    names = request.get("ExpressionAttributeNames", {})
    text = " ".join(value for key, value in request.items() if key.endswith("Expression"))
    words = re.findall(r"(?<![:\w])#?[a-z_]+", re.sub(r"attribute_(not_)?exists", "", text))
    return {*request.get("Key", {}), *(names.get(word, word) for word in words)}


class Recording:
    """A transport that holds one session and records the calls."""

    def __init__(self, stored: Session) -> None:
        self.stored = stored
        self.calls: list[Call] = []

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        self.calls.append((operation, request))
        if operation == "GetItem" and request["TableName"] == "SessionsTable":
            return DynamoResponse(operation, {"Item": session_item(self.stored)})
        if operation == "GetItem":
            agent = {
                "agent_id": {"S": AGENT_ID},
                "owner": {"S": OWNER},
                "identity_key": {"S": "claude:default"},
                "agent_name": {"S": "Claude"},
                "created_at": {"N": "1"},
                "last_active": {"N": "1"},
                "incarnation": {"S": self.stored.incarnation},
            }
            return DynamoResponse(operation, {"Item": agent})
        return DynamoResponse(operation, {})


@pytest.fixture
def calls(frozen: FrozenClock) -> list[Call]:
    """What a relying function calls for a validation that touches, and is the first in five minutes."""
    token = SessionToken.mint(AGENT_ID)
    start = clock.now() - 600
    transport = Recording(
        replace(
            session(session_id=token.session_id, agent_id=AGENT_ID),
            created_at=start,
            last_active=start,
            expires_at=start + 1860,
            ends_at=start + 43200,
        )
    )
    SessionService(Tables.over(transport, SETTINGS), SETTINGS, writes_agents=False).validate(token.secret)
    return transport.calls


def test_validating_with_a_touch_is_allowed(calls: list[Call]) -> None:
    assert [operation for operation, _ in calls] == ["GetItem", "GetItem", "UpdateItem"]
    assert all(allows(call) for call in calls)


def test_policy_names_no_attribute_that_a_touch_does_not_use(calls: list[Call]) -> None:
    used = set().union(*(attributes(request) for operation, request in calls if operation == "UpdateItem"))
    (update,) = [each for each in statements() if each["Action"] == "dynamodb:UpdateItem"]
    assert set(update["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]) == used


@pytest.mark.parametrize(
    "call",
    [
        ("PutItem", {"TableName": "SessionsTable", "Item": {}}),
        ("DeleteItem", {"TableName": "SessionsTable", "Key": {}}),
        ("UpdateItem", {"TableName": "AgentsTable", "Key": {"agent_id": {}}, "UpdateExpression": "REMOVE blocked"}),
        ("UpdateItem", {"TableName": "SessionsTable", "Key": {}, "UpdateExpression": "SET ends_at = :later"}),
        (
            "UpdateItem",
            {
                "TableName": "SessionsTable",
                "Key": {},
                "UpdateExpression": "SET #o = :o",
                "ExpressionAttributeNames": {"#o": "owner"},
            },
        ),
        ("Query", {"TableName": "SessionsTable"}),
    ],
    ids=lambda call: f"{call[0]} {call[1].get('UpdateExpression', '')}",
)
def test_forging_and_controlling_is_not_allowed(call: Call) -> None:
    assert not allows(call)
