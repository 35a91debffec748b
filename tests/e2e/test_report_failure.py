"""A report that cannot read its table is retried, queued and alarmed, until it is repaired."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Api, let_report_put_metrics, wait_for
from tools.dashboard.emulated import physical_ids, put_metrics
from tools.local.emulator import Emulator


@pytest.fixture
def broken(isolated: Api, aws: Callable[[str], Any]) -> Iterator[str]:
    """The name of the report function, whose table does not exist, so that its role does not permit the scan."""
    name, functions = isolated.outputs["ReportFunctionName"], aws("lambda")
    let_report_put_metrics(aws, name)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {"SESSIONS_TABLE": "nothing"}}
    )
    yield name
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_failing_report_is_retried_twice_queued_and_alarmed(
    isolated: Api, broken: str, aws: Callable[[str], Any], emulator: Emulator
) -> None:
    ids = physical_ids(aws, "isolated")
    logs, queues, cloudwatch = aws("logs"), aws("sqs"), aws("cloudwatch")
    state = emulator.folder / "isolated-metrics.json"

    def attempts() -> int:
        lines = logs.filter_log_events(logGroupName=ids["ReportLogs"])["events"]
        return sum("AccessDeniedException" in line["message"] for line in lines)

    def dead_letter() -> dict[str, Any] | None:
        messages = queues.receive_message(QueueUrl=ids["ReportDeadLetters"], VisibilityTimeout=0).get("Messages", [])
        return json.loads(messages[0]["Body"]) if messages else None

    def alarm() -> str:
        (found,) = cloudwatch.describe_alarms(AlarmNames=["isolated-DeadLetters"])["MetricAlarms"]
        assert {"Name": "QueueName", "Value": ids["ReportDeadLetters"].rpartition("/")[2]} in found["Dimensions"]
        return str(found["StateValue"])

    assert dead_letter() is None
    put_metrics(aws, "isolated", state)
    assert alarm() == "OK"

    event = {"id": "failing event"}
    response = aws("lambda").invoke(FunctionName=broken, InvocationType="Event", Payload=json.dumps(event))
    assert response["StatusCode"] == 202
    # Between attempts, the emulator waits 1 and 2 seconds, Lambda 1 and 2 minutes.
    letter = wait_for(dead_letter)

    assert letter["requestPayload"] == event
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert "dynamodb:Scan" in letter["responsePayload"]["errorMessage"]
    assert attempts() == 3
    # AWS publishes the length of a queue itself, as ApproximateNumberOfMessagesVisible.
    put_metrics(aws, "isolated", state)
    assert alarm() == "ALARM"

    queues.purge_queue(QueueUrl=ids["ReportDeadLetters"])


def test_repaired_report_counts_again(isolated: Api, aws: Callable[[str], Any]) -> None:
    name = isolated.outputs["ReportFunctionName"]
    let_report_put_metrics(aws, name)

    result = json.loads(aws("lambda").invoke(FunctionName=name)["Payload"].read())

    assert set(result) == {"active_sessions", "active_agents"}
