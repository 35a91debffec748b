"""A report that cannot read its table: tried again, put aside, told, and over once it is mended."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Api, let_report_put_metrics, wait_for
from tools.dashboard.emulated import physical_ids, put_metrics
from tools.local.emulator import Emulator


@pytest.fixture
def broken(watched: Api, aws: Callable[[str], Any]) -> Iterator[str]:
    """The name of the report, which looks for a table that is not there, and that it may not read therefore."""
    name, functions = watched.outputs["ReportFunctionName"], aws("lambda")
    let_report_put_metrics(aws, name)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {"SESSIONS_TABLE": "nothing"}}
    )
    yield name
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_report_that_fails_is_tried_thrice_put_aside_and_told(
    watched: Api, broken: str, aws: Callable[[str], Any], emulator: Emulator
) -> None:
    ids = physical_ids(aws, "watched")
    logs, queues, cloudwatch = aws("logs"), aws("sqs"), aws("cloudwatch")
    state = emulator.folder / "watched-metrics.json"

    def attempts() -> int:
        lines = logs.filter_log_events(logGroupName=ids["ReportLogs"])["events"]
        return sum("AccessDeniedException" in line["message"] for line in lines)

    def dead_letter() -> dict[str, Any] | None:
        messages = queues.receive_message(QueueUrl=ids["ReportDeadLetters"], VisibilityTimeout=0).get("Messages", [])
        return json.loads(messages[0]["Body"]) if messages else None

    def alarm() -> str:
        (found,) = cloudwatch.describe_alarms(AlarmNames=["watched-DeadLetters"])["MetricAlarms"]
        assert {"Name": "QueueName", "Value": ids["ReportDeadLetters"].rpartition("/")[2]} in found["Dimensions"]
        return str(found["StateValue"])

    assert dead_letter() is None
    put_metrics(aws, "watched", state)
    assert alarm() == "OK"

    event = {"id": "the one that fails"}
    answer = aws("lambda").invoke(FunctionName=broken, InvocationType="Event", Payload=json.dumps(event))
    assert answer["StatusCode"] == 202
    # Between attempts the emulator waits 1 and 2 seconds, where Lambda waits as many minutes.
    letter = wait_for(dead_letter)

    assert letter["requestPayload"] == event
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert "dynamodb:Scan" in letter["responsePayload"]["errorMessage"]
    assert attempts() == 3
    put_metrics(aws, "watched", state)  # of a queue, AWS publishes what is read here as ApproximateNumberOfMessages
    assert alarm() == "ALARM"

    queues.purge_queue(QueueUrl=ids["ReportDeadLetters"])


def test_a_report_that_is_mended_counts_again(watched: Api, aws: Callable[[str], Any]) -> None:
    name = watched.outputs["ReportFunctionName"]
    let_report_put_metrics(aws, name)

    answer = json.loads(aws("lambda").invoke(FunctionName=name)["Payload"].read())

    assert set(answer) == {"active_sessions", "active_agents"}
