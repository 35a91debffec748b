"""Which AWS calls each function makes, held against the role that template.yaml gives it.

A call is a function's where one of its handlers is running and the client is one that it made when it was
loaded. So what a test does to look behind the service is not counted.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from typing import Any

import pytest

from agent_sessions import aws_clients
from tests.guards.leaks import Handler
from tools.cloudformation import Permission, permissions, resource_name, resources

TABLES = {"AGENTS_TABLE": "AgentsTable", "SESSIONS_TABLE": "SessionsTable"}
# The functions as the template describes them, by the name of their folder.
FUNCTIONS = {PurePath(each["CodeUri"]).name: each for each in resources("AWS::Serverless::Function").values()}
ALLOWED = {function: permissions(each["Role"]["Fn::GetAtt"][0]) for function, each in FUNCTIONS.items()}


def needed_by_lambda(function: str) -> set[Permission]:
    """Return what Lambda itself does as the role of a function, which no test in a process of ours can see."""
    properties = FUNCTIONS[function]
    log = properties["LoggingConfig"]["LogGroup"]["Ref"]
    needed = {
        # Lambda writes what the function prints; the group is there already.
        Permission("logs:CreateLogStream", log),
        Permission("logs:PutLogEvents", log),
        # Active tracing: Lambda sends its own segments; the function sends none.
        Permission("xray:PutTraceSegments", "*"),
        Permission("xray:PutTelemetryRecords", "*"),
    }
    if "EventInvokeConfig" in properties:
        # Lambda sends an event there that has failed for the last time.
        destination = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]
        needed.add(Permission("sqs:SendMessage", resource_name(destination)))
    return needed


class Calls:
    """The calls that were seen, by function."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, Permission]] = set()
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._forbidden: list[str] = []

    @contextmanager
    def loading(self, function: str) -> Iterator[None]:
        """Listen to each client that the function makes while it is loaded."""
        create, tables = aws_clients.create_client, {os.environ[name]: table for name, table in TABLES.items()}

        def listened_to(*args: Any) -> Any:
            client = create(*args)
            client.meta.events.register("before-parameter-build", partial(self._called, function, tables))
            return client

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aws_clients, "create_client", listened_to)
            yield

    def watched(self, function: str, handler: Handler) -> Handler:
        """Return a function's handler, while which runs the function's calls are its own."""

        def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
            self._running_changes(function, 1)
            try:
                return handler(event, context)
            finally:
                self._running_changes(function, -1)

        return handle

    def take(self) -> list[str]:
        """Return what was done without permission since last asked."""
        forbidden, self._forbidden = self._forbidden, []
        return forbidden

    def spare(self) -> list[str]:
        """Return what is permitted and was never done."""
        return [
            f"{permission.action} on {permission.resource} is permitted to {function}, which no test saw it do"
            for function in FUNCTIONS
            for permission in sorted(ALLOWED[function] - needed_by_lambda(function))
            if (function, permission) not in self.seen
        ]

    def _running_changes(self, function: str, by: int) -> None:
        with self._lock:
            self._running[function] += by

    def _called(self, function: str, tables: dict[str, str], params: dict[str, Any], model: Any, **_: Any) -> None:
        if not self._running[function]:
            return
        for resource in _resources(params, tables):
            permission = Permission(f"{model.service_model.service_name}:{model.name}", resource)
            self.seen.add((function, permission))
            if permission not in ALLOWED[function]:
                self._forbidden.append(f"{function} may not do {permission.action} on {resource}")


def _resources(params: dict[str, Any], tables: dict[str, str]) -> list[str]:
    if "IndexName" in params:
        return [f"{tables[params['TableName']]}/index/{params['IndexName']}"]
    if "TableName" in params:
        return [tables[params["TableName"]]]
    # What names no table is a batch, or a call that AWS gives no resource.
    return [tables[table] for table in params.get("RequestItems", {})] or ["*"]


CALLS = Calls()
