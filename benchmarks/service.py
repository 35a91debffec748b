"""The service as it ships: its tables on an engine, and the environment of its functions."""

import os
from collections.abc import Iterable
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import botocore.session

from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.items import session_item
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.http.caller import PUBLIC
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from benchmarks import BUILT
from tools.cloudformation import function_environment, table_definition
from tools.dynamodb.fast_client import FastClient
from tools.dynamodb.fill import fill

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LAYER = BUILT / "AgentSessionsLayer/python"
ACCOUNT = "bench"
WRITERS = 16  # enough that the engine, which runs one call at a time, never waits for the next
REGION = "us-east-1"
# No session is touched or ends during a measurement, however long it takes.
NO_TIMEOUTS = {"TOUCH_INTERVAL_SECONDS": "86400", "IDLE_TIMEOUT_SECONDS": "864000", "LIFETIME_SECONDS": "864000"}


class Service(NamedTuple):
    """Two tables on an engine, created as template.yaml declares them."""

    url: str
    client: "DynamoDBClient"
    tables: dict[str, str]  # names, by their variables in the environment

    @classmethod
    def create(cls, url: str, name: str) -> Self:
        """Create empty tables with ``name`` in their names."""
        session = botocore.session.Session()
        session.set_credentials(ACCOUNT, ACCOUNT)
        client = cast("DynamoDBClient", session.create_client("dynamodb", region_name=REGION, endpoint_url=url))
        tables = {"AGENTS_TABLE": f"{name}-agents", "SESSIONS_TABLE": f"{name}-sessions"}
        for logical_id, table in zip(("AgentsTable", "SessionsTable"), tables.values(), strict=True):
            client.create_table(**(table_definition(logical_id) | {"TableName": table}))
        return cls(url, client, tables)

    def warm_up(self, calls: int = 100) -> None:
        """Let the engine compile what it runs, with a client that waits as long as that takes."""
        sessions = self.sessions()
        for _ in range(calls):
            sessions.sign_out(sessions.sign_in(PUBLIC, "warm-up").session_token)

    def fill(self, sessions: Iterable[Session]) -> None:
        """Write sessions as fast as the engine can store them."""
        with ExitStack() as stack:
            connect = partial(FastClient, self.url, key=ACCOUNT, region=REGION)
            clients = [stack.enter_context(closing(connect())) for _ in range(WRITERS)]
            fill(clients, self.tables["SESSIONS_TABLE"], map(session_item, sessions))

    def environ(self, *path: str, **variables: str) -> dict[str, str]:
        """Return the template's environment with these variables; imports come from ``path``, then from the layer."""
        aws = {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.url, "AWS_LAMBDA_FUNCTION_NAME": "sessions"}
        credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": ACCOUNT}
        python = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([*path, str(LAYER)])}
        own = {"API_AUTH": "NONE", "MAX_SESSIONS_PER_AGENT": "0"}  # 0: no sign-in sweeps, as one in 16 does otherwise
        return function_environment() | aws | credentials | python | self.tables | own | variables

    def sessions(self, **variables: str) -> SessionService:
        """Return the session service on these tables, in this process."""
        settings = Settings.from_environment(self.environ(**variables))
        return SessionService(Tables.over(BotocoreTransport(self.client), settings), settings)
