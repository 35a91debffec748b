"""Searches what the emulator stores of the functions: logs, items, metrics and spans."""

import socket
from typing import Any

import botocore.session

from tests.guards.leaks import Leaks
from tools.local.emulator import Emulator

MAX_DATAGRAM = 65_536


class SpanDaemon:
    """A stand-in for the X-Ray daemon at AWS_XRAY_DAEMON_ADDRESS, to which tracing libraries send spans.

    Lambda's own spans contain the function's name and times. The functions should send none.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def received(self) -> list[bytes]:
        """Return the spans that arrived, and close the socket."""
        spans = []
        with self._socket:
            while True:
                try:
                    spans.append(self._socket.recv(MAX_DATAGRAM))
                except BlockingIOError:
                    return spans


def search(leaks: Leaks, emulator: Emulator, daemon: SpanDaemon) -> None:
    """Search everything that the emulator stores for tokens."""

    def pages(service: str, operation: str, **parameters: Any) -> Any:
        return clients[service].get_paginator(operation).paginate(**parameters)

    session = botocore.session.get_session()
    clients = {
        service: session.create_client(
            service,
            endpoint_url=emulator.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for service in ("logs", "dynamodb", "cloudwatch")
    }
    for group in pages("logs", "describe_log_groups").search("logGroups[].logGroupName"):
        for line in pages("logs", "filter_log_events", logGroupName=group).search("events[].message"):
            leaks.check("log lines", f"the log group {group}", line)
    for table in pages("dynamodb", "list_tables").search("TableNames[]"):
        for item in pages("dynamodb", "scan", TableName=table).search("Items[]"):
            leaks.check("items", f"an item of {table}", str(item))
    for metric in pages("cloudwatch", "list_metrics").search("Metrics[]"):
        leaks.check("metrics", f"the metric {metric['MetricName']}", str(metric))
    for span in daemon.received():
        leaks.check("spans", "a span", span)
    for log in emulator.folder.glob("*.log"):
        for line in log.read_text().splitlines():
            leaks.check("log lines", log.name, line)
