"""The service as it ships: its tables on an engine, and the environment of its functions."""

import os
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import botocore.session

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
# No session is touched or ends during a measurement, however long it takes.
NO_TIMEOUTS = {"TOUCH_INTERVAL_SECONDS": "86400", "IDLE_TIMEOUT_SECONDS": "864000", "LIFETIME_SECONDS": "864000"}


class Service(NamedTuple):
    """Two tables on an engine, created as template.yaml declares them."""

    url: str
    account: str
    client: "DynamoDBClient"
    tables: dict[str, str]  # names, by their variables in the environment

    @classmethod
    def create(cls, url: str, name: str, account: str = "bench") -> Self:
        """Create empty tables with ``name`` in their names.

        The engine keeps a database for each account, which runs one call at a time: measurements that must not
        wait for each other use two accounts.
        """
        session = botocore.session.Session()
        session.set_credentials(account, account)
        client = cast("DynamoDBClient", session.create_client("dynamodb", region_name=REGION, endpoint_url=url))
        tables = {"AGENTS_TABLE": f"{name}-agents", "SESSIONS_TABLE": f"{name}-sessions"}
        for logical_id, table in zip(("AgentsTable", "SessionsTable"), tables.values(), strict=True):
            client.create_table(**(table_definition(logical_id) | {"TableName": table}))
        return cls(url, account, client, tables)

    def warm_up(self, calls: int = 100) -> None:
        """Let the engine compile what it runs, with a client that waits as long as that takes."""
        table, key = self.tables["AGENTS_TABLE"], {"S": "warm-up"}
        for _ in range(calls):
            self.client.update_item(TableName=table, Key={"agent_id": key})
            self.client.get_item(TableName=table, Key={"agent_id": key}, ConsistentRead=True)
            condition, values = "agent_id = :agent_id", {":agent_id": key}
            self.client.query(TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=values)

    def environ(self, *path: str, **variables: str) -> dict[str, str]:
        """Return the template's environment with these variables; imports come from ``path``, then from the layer."""
        aws = {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.url, "AWS_LAMBDA_FUNCTION_NAME": "sessions"}
        credentials = {"AWS_ACCESS_KEY_ID": self.account, "AWS_SECRET_ACCESS_KEY": self.account}
        python = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([*path, str(LAYER)])}
        own = {"API_AUTH": "NONE", "MAX_SESSIONS_PER_AGENT": "0"}  # 0: no sign-in sweeps, as one in 16 does otherwise
        return function_environment() | aws | credentials | python | self.tables | own | variables

    def sessions(self, **variables: str) -> SessionService:
        """Return the session service on these tables, in this process."""
        settings = Settings.from_environment(self.environ(**variables))
        return SessionService(Tables.over(BotocoreTransport(self.client), settings), settings)
