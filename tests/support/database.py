"""The package on two databases, moto and DynamoDB Local, which is Amazon's own; and on both transports."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.config import Config
from moto import mock_aws

from agent_sessions.aws_clients import USER_AGENT
from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.agents_table import AgentsTable
from agent_sessions.dynamodb.client import CLIENT_CONFIG, BotocoreTransport, validate_responses
from agent_sessions.dynamodb.container_credentials import Credentials
from agent_sessions.dynamodb.items import session_item
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import Transport
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from tests.guards.leaks import LEAKS
from tests.support.length import by_length
from tests.support.observed_transport import ObservedConnections, ObservedTransport
from tests.support.samples import OTHER_OWNER, OWNER
from tests.support.timeouts import HANG_SECONDS
from tools.cloudformation import table_definition
from tools.dynamodb.fast_client import FastClient
from tools.dynamodb.fill import fill as write_items
from tools.dynamodb.local_engine import Engine, missing

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["OTHER_OWNER", "OWNER"]

type NewClient = Callable[[], "DynamoDBClient"]


ACCOUNT = {"key": "testing", "region": "eu-west-1"}
# The timeouts of production would fail on a busy machine.
PATIENT = USER_AGENT.merge(CLIENT_CONFIG).merge(Config(connect_timeout=HANG_SECONDS, read_timeout=HANG_SECONDS))


def client_of(tables: Tables) -> "DynamoDBClient":
    """Return the botocore client of a service's tables, for its events; of a direct transport, what has such events."""
    transport = tables.sessions.transport
    assert isinstance(transport, BotocoreTransport | ObservedTransport)
    return cast("DynamoDBClient", transport.client)


def direct_transport(url: str) -> ObservedTransport:
    """Return a direct transport to an engine, as patient as the clients."""
    connections = ObservedConnections(url.removeprefix("http://"), None)
    connections.usual_read_seconds = HANG_SECONDS
    return ObservedTransport(connections, ACCOUNT["region"], partial(Credentials, ACCOUNT["key"], ACCOUNT["key"]))


@dataclass(frozen=True, slots=True)
class Database:
    """The two tables of template.yaml, empty, under unique names.

    Args:
        client: A client to inspect the tables.
        settings: The names of the tables; every time at its default.
        new_client: Makes another client, as every Lambda container has its own.
        transport: The transport that all tables share, unless they get another.
    """

    client: "DynamoDBClient"
    settings: Settings
    new_client: NewClient
    transport: Transport

    def tables(self, transport: Transport | None = None, agents: type[AgentsTable] = AgentsTable) -> Tables:
        """Return the tables over a transport; ``agents`` may be a table whose index lags."""
        transport = transport or self.transport
        tables = Tables.over(transport, self.settings)
        return replace(tables, agents=agents(transport, self.settings.agents_table))

    def agent_item(self, agent_id: str) -> dict[str, Any]:
        """Return the stored item of an agent; empty if there is none."""
        key = {"agent_id": {"S": agent_id}}
        response = self.client.get_item(TableName=self.settings.agents_table, Key=key, ConsistentRead=True)
        return dict(response.get("Item", {}))

    def import_agent(self, agent_id: str, owner: str, identity_key: str, *, at: int, **more: Any) -> None:
        """Write an agent that no sign-in created, as an import from another system does."""
        self.client.put_item(
            TableName=self.settings.agents_table,
            Item={
                "agent_id": {"S": agent_id},
                "owner": {"S": owner},
                "identity_key": {"S": identity_key},
                "agent_name": {"S": identity_key.partition(":")[0].title()},
                "created_at": {"N": str(at)},
                "last_active": {"N": str(at)},
                **more,
            },
        )

    def count_sign_ins(self, agent_id: str, count: int) -> None:
        """Let an agent have signed in this often, for sessions that ``fill`` writes with numbers of their own."""
        self.client.update_item(
            TableName=self.settings.agents_table,
            Key={"agent_id": {"S": agent_id}},
            UpdateExpression="SET sign_ins = :count",
            ExpressionAttributeValues={":count": {"N": str(count)}},
        )

    def delete_agent(self, agent_id: str) -> None:
        """Delete the item of an agent, as an operator does."""
        self.client.delete_item(TableName=self.settings.agents_table, Key={"agent_id": {"S": agent_id}})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of the engine if it is not installed; test_engine.py reports that in one line."""
    if missing() is None:
        return
    left_out = [item for item in items if _needs_engine(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _needs_engine(item: pytest.Item) -> bool:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return "new_engine_client" in getattr(item, "fixturenames", ()) or parameters.get("new_client") in (
        "engine",
        "direct",
    )


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """DynamoDB Local, started once."""
    engine = Engine.start(tmp_path_factory.mktemp("dynamodb-local"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def client_session() -> botocore.session.Session:
    """One session for all tests, because a new one parses every service model again."""
    return botocore.session.get_session()


@pytest.fixture(scope="session")
def new_engine_client(engine: Engine, client_session: botocore.session.Session) -> Iterator[NewClient]:
    """Makes clients of the engine, which are closed at the end."""
    with ExitStack() as clients:

        def new_client() -> "DynamoDBClient":
            client = _client(client_session, endpoint_url=engine.url)
            clients.enter_context(closing(client))
            return client

        yield new_client


@pytest.fixture(scope="session")
def new_fast_client(new_engine_client: NewClient, engine: Engine) -> Iterator[NewClient]:
    """Makes clients of the engine that bypass botocore and are faster."""
    with ExitStack() as clients:

        def new_client() -> "DynamoDBClient":
            client = FastClient(engine.url, **ACCOUNT, watch=LEAKS.check_aws_call)
            clients.enter_context(closing(client))
            return cast("DynamoDBClient", client)

        yield new_client


@pytest.fixture(scope="session")
def cloudwatch(client_session: botocore.session.Session) -> Iterator["CloudWatchClient"]:
    client = client_session.create_client(
        "cloudwatch", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    with closing(client):
        yield cast("CloudWatchClient", client)


@pytest.fixture(params=by_length(["moto", "direct"], ["moto", "engine", "direct"]))
def new_client(request: pytest.FixtureRequest, client_session: botocore.session.Session) -> Iterator[NewClient]:
    """Makes clients of each of the two databases; a module for the engine alone overrides this fixture.

    With ``direct``, the package calls the engine through the direct transport instead of such a client.
    """
    if request.param != "moto":
        yield request.getfixturevalue("new_engine_client")
        return
    with mock_aws():
        yield lambda: _client(client_session)


@pytest.fixture
def database(new_client: NewClient, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Two empty tables for one test; a module that shares its tables calls ``new_database``."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is None or callspec.params.get("new_client") != "direct":
        database = new_database(new_client)
        yield database
    else:
        transport = direct_transport(request.getfixturevalue("engine").url)
        database = new_database(new_client, transport)
        yield database
        transport.forget()
    drop(database)


@pytest.fixture
def tables(database: Database) -> Tables:
    return database.tables()


@pytest.fixture
def sessions(database: Database) -> SessionService:
    return SessionService(database.tables(), database.settings)


@pytest.fixture
def agents(database: Database) -> AgentService:
    return AgentService(database.tables(), database.settings)


@pytest.fixture
def roster(database: Database) -> RosterService:
    return RosterService(database.tables(), database.settings)


@pytest.fixture
def report(database: Database, cloudwatch: "CloudWatchClient") -> Callable[[int], ActivityReport]:
    """Makes a report with this many segments; tests only let it count, so it calls no CloudWatch."""
    return lambda segments: ActivityReport(
        database.tables(), cloudwatch, replace(database.settings, report_segments=segments)
    )


def new_database(new_client: NewClient, transport: Transport | None = None) -> Database:
    """Create the two tables of template.yaml under unique names; the transport is that of a new client by default."""
    client, suffix = new_client(), uuid.uuid4().hex
    names = {logical_id: f"{logical_id}-{suffix}" for logical_id in ("AgentsTable", "SessionsTable")}
    for logical_id, name in names.items():
        client.create_table(**(table_definition(logical_id) | {"TableName": name}))
    settings = Settings(agents_table=names["AgentsTable"], sessions_table=names["SessionsTable"])
    return Database(client, settings, new_client, transport or BotocoreTransport(client))


def fill(database: Database, sessions: Iterable[Session], client: "DynamoDBClient | None" = None) -> None:
    """Write many sessions, 4 calls at a time, with the database's client or a faster one."""
    write_items([client or database.client] * 4, database.settings.sessions_table, map(session_item, sessions))


def empty(database: Database) -> None:
    """Delete all items, which is faster than creating new tables."""
    for table, key in (
        (database.settings.agents_table, ["agent_id"]),
        (database.settings.sessions_table, ["agent_id", "session_id"]),
    ):
        items = database.client.scan(TableName=table, ConsistentRead=True)["Items"]
        for batch in batched(items, 25, strict=False):
            requests: list[Any] = [{"DeleteRequest": {"Key": {name: item[name] for name in key}}} for item in batch]
            assert not database.client.batch_write_item(RequestItems={table: requests}).get("UnprocessedItems")


def drop(database: Database) -> None:
    """Delete the tables of a database."""
    for table in (database.settings.agents_table, database.settings.sessions_table):
        database.client.delete_table(TableName=table)


def _client(session: botocore.session.Session, *, endpoint_url: str | None = None) -> "DynamoDBClient":
    client = cast(
        "DynamoDBClient",
        session.create_client(
            "dynamodb",
            region_name=ACCOUNT["region"],
            aws_access_key_id=ACCOUNT["key"],
            aws_secret_access_key=ACCOUNT["key"],
            config=PATIENT,
            endpoint_url=endpoint_url,
        ),
    )
    validate_responses(client)
    return client
