"""The search at the end of the suite finds tokens that are planted in the emulator."""

import socket
import uuid
from collections.abc import Callable
from secrets import token_bytes
from typing import Any

import pytest

from tests.e2e.conftest import Api
from tests.guards.emulator import SpanDaemon, search
from tests.guards.leaks import Leaks
from tests.support.tokens import token_of
from tools.local.emulator import Emulator

AGENT = uuid.UUID("0b0b0b0b-0000-4000-8000-000000000009")
GROUP = "/planted"


@pytest.fixture
def token() -> str:
    """A token that no other guard searches for."""
    return token_of(AGENT.bytes + token_bytes(16))


def test_search_finds_token_everywhere_in_the_emulator(
    api: Api, emulator: Emulator, aws: Callable[[str], Any], token: str
) -> None:
    table = api.outputs["SessionsTableName"]
    key = {"agent_id": {"S": str(AGENT)}, "session_id": {"S": "planted"}}
    metric: Any = {"MetricName": "Planted", "Dimensions": [{"Name": "token", "Value": token}], "Value": 1}
    daemon = SpanDaemon()
    host, _, port = daemon.address.partition(":")
    log, file = aws("logs"), emulator.folder / "planted.log"
    log.create_log_group(logGroupName=GROUP)
    log.create_log_stream(logGroupName=GROUP, logStreamName="one")

    event = {"timestamp": 1_800_000_000_000, "message": f"token={token}"}
    log.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=[event])
    aws("dynamodb").put_item(TableName=table, Item=key | {"planted": {"B": token.encode()}})
    aws("cloudwatch").put_metric_data(Namespace="Planted", MetricData=[metric])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(f'{{"annotations": "{token}"}}'.encode(), (host, int(port)))
    file.write_text(f"GET /sessions?token={token}\n")

    leaks = Leaks()
    leaks.tokens.remember(token)
    search(leaks, emulator, daemon)

    log.delete_log_group(logGroupName=GROUP)
    aws("dynamodb").delete_item(TableName=table, Key=key)
    file.unlink()
    found = {each.partition(" is in ")[2] for each in leaks.take()}
    assert found == {f"the log group {GROUP}", f"an item of {table}", "the metric Planted", "a span", "planted.log"}
