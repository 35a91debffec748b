"""Checks the AWS calls of each function against the role that template.yaml gives it.

A call counts for a function if one of its handlers is running and the client is one that the function made while it
was loaded. So calls with which a test inspects the tables do not count.
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
from tests.support.observed_transport import ObservedTransport
from tools.cloudformation import Permission, permissions, resource_name, resources

TABLES = {"AGENTS_TABLE": "AgentsTable", "SESSIONS_TABLE": "SessionsTable"}
# The functions of the template, by the name of their folder.
FUNCTIONS = {PurePath(each["CodeUri"]).name: each for each in resources("AWS::Serverless::Function").values()}
ALLOWED = {function: permissions(each["Role"]["Fn::GetAtt"][0]) for function, each in FUNCTIONS.items()}


def needed_by_lambda(function: str) -> set[Permission]:
    """Return the permissions that Lambda itself uses with the role of a function, unseen by tests in this process."""
    properties = FUNCTIONS[function]
    log = properties["LoggingConfig"]["LogGroup"]["Ref"]
    needed = {
        # Lambda writes the function's output; the log group exists already.
        Permission("logs:CreateLogStream", log),
        Permission("logs:PutLogEvents", log),
        # Lambda sends the segments of active tracing; the function sends none.
        Permission("xray:PutTraceSegments", "*"),
        Permission("xray:PutTelemetryRecords", "*"),
    }
    if "EventInvokeConfig" in properties:
        # Lambda sends an event there after its last failed attempt.
        destination = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]
        needed.add(Permission("sqs:SendMessage", resource_name(destination)))
    for mapping in resources("AWS::Lambda::EventSourceMapping").values():
        if FUNCTIONS.get(function) is resources("AWS::Serverless::Function")[mapping["FunctionName"]["Ref"]]:
            # Lambda reads the stream, and sends the position of a batch after its last failed attempt.
            stream = resource_name(mapping["EventSourceArn"])
            needed |= {
                Permission(f"dynamodb:{action}", stream)
                for action in ("DescribeStream", "GetRecords", "GetShardIterator")
            }
            needed.add(Permission("dynamodb:ListStreams", "*"))
            needed.add(
                Permission("sqs:SendMessage", resource_name(mapping["DestinationConfig"]["OnFailure"]["Destination"]))
            )
    return needed


class Calls:
    """The calls that the functions made."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, Permission]] = set()
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._forbidden: list[str] = []

    @contextmanager
    def loading(self, function: str) -> Iterator[None]:
        """Record the calls of each client that the function makes while it is loaded."""
        create, tables = aws_clients.create_client, {os.environ[name]: table for name, table in TABLES.items()}

        def create_recorded(*args: Any) -> Any:
            client = create(*args)
            client.meta.events.register("before-parameter-build", partial(self._record, function, tables))
            return client

        created = ObservedTransport.created

        def record_created(transport: ObservedTransport) -> None:
            transport.events.register("before-parameter-build", partial(self._record, function, tables))
            created(transport)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aws_clients, "create_client", create_recorded)
            patch.setattr(ObservedTransport, "created", staticmethod(record_created))
            yield

    def guard(self, function: str, handler: Handler) -> Handler:
        """Return a function's handler; calls count for the function while it runs."""

        def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
            self._count_running(function, 1)
            try:
                return handler(event, context)
            finally:
                self._count_running(function, -1)

        return handle

    def take(self) -> list[str]:
        """Return the forbidden calls made since the last call of this method."""
        forbidden, self._forbidden = self._forbidden, []
        return forbidden

    def unused(self) -> list[str]:
        """Return the permissions that no test used."""
        return [
            f"{function} has {permission.action} on {permission.resource}, which no test used"
            for function in FUNCTIONS
            for permission in sorted(ALLOWED[function] - needed_by_lambda(function))
            if (function, permission) not in self.seen
        ]

    def _count_running(self, function: str, change: int) -> None:
        with self._lock:
            self._running[function] += change

    def _record(self, function: str, tables: dict[str, str], params: dict[str, Any], model: Any, **_: Any) -> None:
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
    if "Entries" in params:
        return ["event-bus/default"]
    if "QueueUrl" in params:
        return ["LifecycleDeadLetters"]
    # A call without a table name is a batch, or has no resource in IAM.
    return [tables[table] for table in params.get("RequestItems", {})] or ["*"]


CALLS = Calls()
