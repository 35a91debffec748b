"""Functions that make permitted and forbidden calls; test_guards.py runs these tests and checks which fail."""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.support.database import client_of
from tests.support.events import load_event
from tests.support.functions import Context

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Load = Callable[[str], ModuleType]


def call_during_request(function: ModuleType, call: Callable[[], Any]) -> None:
    """Make a call while a function handles a request."""
    function.service.check_health = call
    function.handler(load_event("check_health"), Context())


def own_client(function: ModuleType) -> "DynamoDBClient":
    return client_of(function.service.tables)


def test_permitted_call(load_function: Load) -> None:
    function = load_function("sessions")
    call_during_request(function, function.service.tables.sessions.ping)


def test_call_of_test_during_request(load_function: Load, dynamodb: "DynamoDBClient") -> None:
    call_during_request(load_function("sessions"), lambda: dynamodb.scan(TableName="SessionsTable"))


def test_call_of_test_with_client_of_function(load_function: Load) -> None:
    own_client(load_function("sessions")).scan(TableName="SessionsTable")


def test_forbidden_action(load_function: Load) -> None:
    function = load_function("sessions")
    call_during_request(function, lambda: own_client(function).scan(TableName="SessionsTable"))


def test_action_permitted_on_another_resource(load_function: Load) -> None:
    function = load_function("sessions")
    call_during_request(
        function,
        lambda: own_client(function).query(
            TableName="AgentsTable",  # its role permits a query of the index only
            KeyConditionExpression="agent_id = :agent_id",
            ExpressionAttributeValues={":agent_id": {"S": "x"}},
        ),
    )


def test_forbidden_batch(load_function: Load) -> None:
    function = load_function("agents")
    item = {"agent_id": {"S": "x"}, "identity_key": {"S": "x"}, "owner": {"S": "x"}}
    function.service.get_agent = lambda *_: own_client(function).batch_write_item(
        RequestItems={"AgentsTable": [{"PutRequest": {"Item": item}}]}
    )
    assert function.handler(load_event("get_agent"), Context())["statusCode"] == 500
