"""What the emulator keeps of the functions' doings: their log, their items, their metrics, their spans."""

import socket
from typing import Any

import botocore.session

from tests.guards.leaks import Leaks
from tools.local.emulator import Emulator

MAX_DATAGRAM = 65_536


class SpanDaemon:
    """Where tracing libraries send their spans, as AWS_XRAY_DAEMON_ADDRESS tells them; read at the end.

    Lambda's own spans name the function and its times. The functions are to send none of their own.
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
        """Return the spans that came, and listen no longer."""
        spans = []
        with self._socket:
            while True:
                try:
                    spans.append(self._socket.recv(MAX_DATAGRAM))
                except BlockingIOError:
                    return spans


def search(leaks: Leaks, emulator: Emulator, daemon: SpanDaemon) -> None:
    """Look for tokens in all that the emulator keeps."""

    def pages(service: str, operation: str, **asked: Any) -> Any:
        return clients[service].get_paginator(operation).paginate(**asked)

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
