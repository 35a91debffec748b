"""The functions in the process of the tests, on the tables of template.yaml in memory."""

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from moto import mock_aws

from tests.guards.leaks import LEAKS
from tests.guards.permissions import CALLS
from tests.support.contract import ApiResponse, check_response
from tests.support.database import client_of
from tests.support.events import Event, http_event, iam
from tests.support.memory_dynamodb import MemoryDynamoDB
from tools import ROOT
from tools.cloudformation import function_environment
from tools.openapi.routes import BY_KEY, FUNCTIONS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWNER = "arn:aws:iam::111122223333:user/ada"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment variables that template.yaml gives the functions, with credentials of no AWS account."""
    variables = function_environment() | {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


class TablesOfTest:
    """Responds from the tables of the running test, so that clients may outlive it."""

    def __init__(self) -> None:
        self.tables = MemoryDynamoDB()

    def respond(self, **event: Any) -> Any:
        return self.tables.respond(**event)


@pytest.fixture(scope="session")
def tables_of_test() -> TablesOfTest:
    return TablesOfTest()


@pytest.fixture(scope="session")
def botocore_session(tables_of_test: TablesOfTest) -> botocore.session.Session:
    """One session for all tests, because a new one parses every service model again."""
    session = botocore.session.get_session()
    session.register("before-send.dynamodb", tables_of_test.respond)
    return session


@pytest.fixture(scope="session")
def inspector(botocore_session: botocore.session.Session) -> "DynamoDBClient":
    return botocore_session.create_client(  # type: ignore[return-value]
        "dynamodb", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@pytest.fixture
def dynamodb(
    environment: dict[str, str],
    botocore_session: botocore.session.Session,
    tables_of_test: TablesOfTest,
    inspector: "DynamoDBClient",
    monkeypatch: pytest.MonkeyPatch,
) -> "DynamoDBClient":
    """A client to inspect the tables; they are those of template.yaml, in memory and empty."""
    monkeypatch.setattr(botocore.session, "get_session", lambda: botocore_session)
    tables_of_test.tables = MemoryDynamoDB()
    return inspector


@pytest.fixture
def other_services() -> Iterator[None]:
    """Simulate every service but DynamoDB."""
    with mock_aws(config={"core": {"passthrough": {"services": ["dynamodb"]}}}):
        yield


@dataclass(frozen=True)
class Context:
    """The attributes of Lambda's context that the functions use."""

    milliseconds: int = 29_000
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:function"
    aws_request_id: str = "8c2c1a5e-0b6e-4a57-8a3b-1f2d3c4b5a69"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Api:
    """Sends events to the functions, as the gateway would, and checks each response against the document."""

    functions: dict[str, ModuleType]
    authorizer: dict[str, Any] | None = field(default_factory=lambda: iam(OWNER))
    context: Context = field(default_factory=Context)

    def send(self, event: Event) -> ApiResponse:
        route = event["routeKey"]
        response = self.functions[BY_KEY[route].function].handler(event, self.context)
        assert response["isBase64Encoded"] is False
        check_response(route, response["statusCode"], response["headers"], response["body"])
        return ApiResponse(response["statusCode"], response["headers"], response["body"])

    def as_owner(self, authorizer: dict[str, Any] | None) -> "Api":
        return Api(self.functions, authorizer, self.context)

    def sign_in(self, agent_name: Any = "Claude", **body: Any) -> ApiResponse:
        return self.send(http_event("sign_in", authorizer=self.authorizer, body={"agent_name": agent_name, **body}))

    def sign_in_raw(self, body: str | bytes | None) -> ApiResponse:
        return self.send(http_event("sign_in", authorizer=self.authorizer, body=body))

    def validate(self, token: str) -> ApiResponse:
        return self.send(http_event("validate_session", token=token))

    def sign_out(self, token: str) -> ApiResponse:
        return self.send(http_event("sign_out", token=token))

    def progress(self, token: str, **body: Any) -> ApiResponse:
        return self.send(http_event("report_progress", token=token, body=body))

    def roster(self, **query: str) -> ApiResponse:
        return self.send(http_event("list_sessions", authorizer=self.authorizer, query=query))

    def end_everything(self) -> ApiResponse:
        return self.send(http_event("end_sessions", authorizer=self.authorizer))

    def find(self, **query: str) -> ApiResponse:
        return self.send(http_event("list_agents", authorizer=self.authorizer, query=query))

    def found(self, agent_name: str, **query: str) -> dict[str, Any]:
        """Return the one agent with this name."""
        (agent,) = self.find(agent_name=agent_name, **query).body["agents"]
        return dict(agent)

    def block(self, agent_id: str, blocked: Any = True) -> ApiResponse:
        return self.send(
            http_event("update_agent", authorizer=self.authorizer, agent_id=agent_id, body={"blocked": blocked})
        )

    def delete(self, agent_id: str) -> ApiResponse:
        return self.send(http_event("delete_agent", authorizer=self.authorizer, agent_id=agent_id))

    def stop(self, agent_id: str, session_id: str, **body: Any) -> ApiResponse:
        event = http_event(
            "update_agent_session", authorizer=self.authorizer, agent_id=agent_id, session_id=session_id, body=body
        )
        return self.send(event)

    def agent(self, agent_id: str) -> ApiResponse:
        return self.send(http_event("get_agent", authorizer=self.authorizer, agent_id=agent_id))

    def sessions(self, agent_id: str, **query: str) -> ApiResponse:
        return self.send(http_event("list_agent_sessions", authorizer=self.authorizer, query=query, agent_id=agent_id))

    def end(self, agent_id: str, session_id: str) -> ApiResponse:
        return self.send(
            http_event("end_agent_session", authorizer=self.authorizer, agent_id=agent_id, session_id=session_id)
        )

    def end_all(self, agent_id: str) -> ApiResponse:
        return self.send(http_event("end_agent_sessions", authorizer=self.authorizer, agent_id=agent_id))


class CurrentStdout:
    """Writes to the stdout of the moment: Powertools keeps one logger per process, pytest one stdout per phase."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def load_function_module(name: str) -> ModuleType:
    """Load a function as Lambda does at a cold start, with the current environment."""
    spec = importlib.util.spec_from_file_location(f"{name}_app", ROOT / "functions" / name / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with CALLS.loading(name):
        spec.loader.exec_module(module)
    module.handler = CALLS.guard(name, LEAKS.guard(module.handler))  # type: ignore[attr-defined]
    for log in (getattr(module, name) for name in ("api", "log") if hasattr(module, name)):
        assert log._logger, "made at the first failure, with the stdout of that moment"
    for handler in logging.getLogger(os.environ["POWERTOOLS_SERVICE_NAME"]).handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(CurrentStdout())
    return module


@pytest.fixture
def load_function(dynamodb: "DynamoDBClient", environment: dict[str, str]) -> Callable[[str], ModuleType]:
    """Loads a function, which uses the tables in memory."""
    return load_function_module


@pytest.fixture
def start(load_function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Api]:
    """Starts every function of the API, with the given environment variables."""

    def start(**variables: str) -> Api:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Api({name: load_function(name) for name in FUNCTIONS})

    return start


@pytest.fixture
def api(start: Callable[..., Api]) -> Api:
    """The API with every parameter at its default."""
    return start()


@pytest.fixture
def calls() -> Callable[[Any], list[str]]:
    """Records the DynamoDB calls of a function from now on, in order."""

    def record(function: ModuleType) -> list[str]:
        made: list[str] = []
        client = client_of(function.service.tables)
        client.meta.events.register(
            "before-call.dynamodb", lambda event_name, **_: made.append(event_name.rpartition(".")[2])
        )
        return made

    return record
