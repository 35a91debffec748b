"""Functions that call AWS with permission and without; test_watch.py runs them and sees which fail."""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tests.support.database import client_of
from tests.support.events import load_event
from tests.support.functions import Context

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Load = Callable[[str], ModuleType]


def during_a_request(function: ModuleType, do: Callable[[], Any]) -> None:
    """Let a function do something while it answers."""
    function.service.check_health = do
    function.handler(load_event("check_health"), Context())


def own_client(function: ModuleType) -> "DynamoDBClient":
    return client_of(function.service.tables)


def test_what_it_may_do(load_function: Load) -> None:
    function = load_function("sessions")
    during_a_request(function, function.service.tables.sessions.ping)


def test_what_a_test_does_meanwhile(load_function: Load, dynamodb: "DynamoDBClient") -> None:
    during_a_request(load_function("sessions"), lambda: dynamodb.scan(TableName="SessionsTable"))


def test_what_a_test_does_with_its_client(load_function: Load) -> None:
    own_client(load_function("sessions")).scan(TableName="SessionsTable")


def test_what_it_may_not_do(load_function: Load) -> None:
    function = load_function("sessions")
    during_a_request(function, lambda: own_client(function).scan(TableName="SessionsTable"))


def test_what_it_may_do_elsewhere(load_function: Load) -> None:
    function = load_function("sessions")
    during_a_request(
        function,
        lambda: own_client(function).query(
            TableName="AgentsTable",  # of which it may query the index alone
            KeyConditionExpression="agent_id = :agent_id",
            ExpressionAttributeValues={":agent_id": {"S": "x"}},
        ),
    )


def test_a_batch_of_what_it_may_not_write(load_function: Load) -> None:
    function = load_function("agents")
    item = {"agent_id": {"S": "x"}, "identity_key": {"S": "x"}, "owner": {"S": "x"}}
    function.service.get_agent = lambda *_: own_client(function).batch_write_item(
        RequestItems={"AgentsTable": [{"PutRequest": {"Item": item}}]}
    )
    assert function.handler(load_event("get_agent"), Context())["statusCode"] == 500
