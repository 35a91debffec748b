"""Puts the metrics that AWS would record for a deployed stack into the emulator's CloudWatch."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.dashboard.log_metrics import (
    LogReader,
    embedded_metrics,
    function_metrics,
    gateway_metrics,
    put_all,
    queue_metrics,
)

type Clients = Callable[[str], Any]  # creates the client of a service

FUNCTION_OF_LOGS = {
    "SessionsLogs": "SessionsFunction",
    "AgentsLogs": "AgentsFunction",
    "McpLogs": "McpFunction",
    "ReportLogs": "ReportFunction",
}


def physical_ids(clients: Clients, stack_name: str) -> dict[str, str]:
    """Return the physical id of each resource of a stack by its logical id."""
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
    resources = itertools.chain.from_iterable(page["StackResourceSummaries"] for page in pages)
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}


def put_metrics(clients: Clients, stack_name: str, state: Path) -> int:
    """Put the metrics of everything logged since the last call; return the number of values.

    Args:
        clients: Creates clients of the emulator's services.
        stack_name: The stack with the functions, the gateway and the queue.
        state: The file that records how far the logs have been read.
    """
    ids = physical_ids(clients, stack_name)
    functions = {ids[logs]: ids[function] for logs, function in FUNCTION_OF_LOGS.items()}
    reader = LogReader(clients("logs"), state)
    lines = reader.unread(functions)
    queue = clients("sqs").get_queue_attributes(
        QueueUrl=ids["ReportDeadLetters"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    visible = int(queue["Attributes"]["ApproximateNumberOfMessages"])
    count = put_all(
        clients("cloudwatch"),
        itertools.chain(
            *(embedded_metrics(line) for line in lines),
            *(gateway_metrics(line, ids["Api"]) for line in lines),
            *(function_metrics(line, functions[line.group]) for line in lines),
            queue_metrics(ids["ReportDeadLetters"].rpartition("/")[2], visible, int(time.time() * 1000)),
        ),
    )
    reader.remember()
    return count
