"""The service as it ships: what `sam build` made, and where it finds its tables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, cast

import botocore.session

from agent_sessions.domain.models import SignedIn
from agent_sessions.dynamodb.agents_table import IDENTITY_INDEX
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from benchmarks import BUILT
from tools.cloudformation import function_environment, table_definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LAYER = BUILT / "AgentSessionsLayer/python"

OWNER = "public"
REGION = "us-east-1"
# Long enough that no session is touched, or ends, because a measurement takes its time.
UNHURRIED = {"TOUCH_INTERVAL_SECONDS": "86400", "IDLE_TIMEOUT_SECONDS": "864000", "LIFETIME_SECONDS": "864000"}


@dataclass(frozen=True, slots=True)
class Service:
    """Two tables on an engine, made as template.yaml makes them, in an account that nobody checks."""

    url: str
    account: str
    client: "DynamoDBClient"
    settings: Settings

    @classmethod
    def create(cls, url: str, name: str, account: str = "bench") -> Self:
        """Make the tables, empty, with ``name`` in their names.

        The engine gives each account a database that does one thing at a time: those who should not wait for
        each other have two.
        """
        session = botocore.session.Session()
        session.set_credentials(account, account)
        client = cast(
            "DynamoDBClient",
            session.create_client("dynamodb", region_name=REGION, endpoint_url=url),
        )
        names = {logical_id: f"{name}-{logical_id}" for logical_id in ("AgentsTable", "SessionsTable")}
        for logical_id, table in names.items():
            client.create_table(**(table_definition(logical_id) | {"TableName": table}))
        return cls(
            url, account, client, Settings(agents_table=names["AgentsTable"], sessions_table=names["SessionsTable"])
        )

    def warm_up(self, calls: int = 100) -> None:
        """Let the engine compile what it runs, with a client that waits as long as that takes."""
        agents = self.settings.agents_table
        for _ in range(calls):
            self.client.update_item(TableName=agents, Key={"agent_id": {"S": "warm-up"}})
            self.client.get_item(TableName=agents, Key={"agent_id": {"S": "warm-up"}}, ConsistentRead=True)
            self.client.query(
                TableName=agents,
                IndexName=IDENTITY_INDEX,
                KeyConditionExpression="identity_key = :key",
                ExpressionAttributeValues={":key": {"S": "warm-up"}},
            )

    def environ(self, *path: str, **more: str) -> dict[str, str]:
        """Return the whole environment of a process that runs from the layer.

        Args:
            path: What is imported from, before the layer: the folder of a function, or the repository.
            more: Over what template.yaml sets.
        """
        return (
            function_environment()
            | {
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": self.account,
                "AWS_SECRET_ACCESS_KEY": self.account,
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join([*path, str(LAYER)]),
                "AWS_ENDPOINT_URL": self.url,
                "AWS_LAMBDA_FUNCTION_NAME": "sessions",
                "AGENTS_TABLE": self.settings.agents_table,
                "SESSIONS_TABLE": self.settings.sessions_table,
                "API_AUTH": "NONE",
            }
            | more
        )

    def sign_in(self, agent_name: str, environ: Mapping[str, str]) -> SignedIn:
        """Make a session with the timeouts of an environment."""
        times = Settings.from_environment(environ)
        settings = replace(times, agents_table=self.settings.agents_table, sessions_table=self.settings.sessions_table)
        return SessionService(Tables.over(BotocoreTransport(self.client), settings), settings).sign_in(
            OWNER, agent_name
        )
