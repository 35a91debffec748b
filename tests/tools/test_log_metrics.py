"""Log lines become the metrics that AWS derives from them, each once."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from tools.dashboard.log_metrics import (
    LogLine,
    LogReader,
    embedded_metrics,
    function_metrics,
    gateway_metrics,
)

# The example of the specification, shortened.
EMBEDDED = {
    "_aws": {
        "Timestamp": 1_800_000_000_123,
        "CloudWatchMetrics": [
            {
                "Namespace": "shop",
                "Dimensions": [["service"], ["service", "version"]],
                "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}, {"Name": "Sold"}],
            }
        ],
    },
    "service": "cart",
    "version": "7",
    "Latency": 12.5,
    "Sold": [1, 2],
    "request_id": "not a metric",
}


def line(text: str) -> LogLine:
    return LogLine("group", 1_800_000_000_000, text)


def test_embedded_metrics_are_put_for_each_set_of_dimensions() -> None:
    found = [
        (namespace, datum["MetricName"], len(datum["Dimensions"]), datum["Values"], datum["Unit"])
        for namespace, datum in embedded_metrics(line(json.dumps(EMBEDDED)))
    ]

    assert found == [
        ("shop", "Latency", 1, [12.5], "Milliseconds"),
        ("shop", "Sold", 1, [1, 2], "None"),
        ("shop", "Latency", 2, [12.5], "Milliseconds"),
        ("shop", "Sold", 2, [1, 2], "None"),
    ]


@pytest.mark.parametrize("text", ["START RequestId: 1", "", "[1]", '"x"', "{", '{"message": "report"}'])
def test_other_lines_make_no_metric(text: str) -> None:
    assert not [*embedded_metrics(line(text)), *gateway_metrics(line(text), "api"), *function_metrics(line(text), "f")]


@pytest.mark.parametrize(("status", "counted"), [(201, (0, 0)), (401, (1, 0)), (503, (0, 1))])
def test_request_counts_for_the_api_and_its_route(status: int, counted: tuple[int, int]) -> None:
    request = {"message": "request", "route": "GET /agents/{agent_id}", "status": status, "duration_ms": 8.5}
    api_metrics: dict[str, Any] = {}
    route_metrics: dict[str, Any] = {}
    for namespace, datum in gateway_metrics(line(json.dumps(request)), "a1"):
        assert namespace == "AWS/ApiGateway"
        dimensions = {each["Name"]: each["Value"] for each in datum["Dimensions"]}
        (route_metrics if "Method" in dimensions else api_metrics)[datum["MetricName"]] = datum["Value"]
        assert (
            dimensions.items()
            <= {
                "ApiId": "a1",
                "Stage": "$default",
                "Method": "GET",
                "Resource": "/agents/{agent_id}",
            }.items()
        )

    assert api_metrics == route_metrics == {"Count": 1, "4xx": counted[0], "5xx": counted[1], "Latency": 8.5}


def test_duration_is_read_from_the_report_line() -> None:
    text = "REPORT RequestId: 6c6f\tDuration: 48.25 ms\tBilled Duration: 49 ms\tMemory Size: 512 MB"
    ((namespace, datum),) = function_metrics(line(text), "f")

    assert (namespace, datum["MetricName"], datum["Value"]) == ("AWS/Lambda", "Duration", 48.25)


@pytest.fixture
def logs() -> Iterator[Any]:
    with mock_aws():
        client: Any = botocore.session.get_session().create_client(
            "logs", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        client.create_log_group(logGroupName="group")
        yield client


def write(logs: Any, stream: str, *texts: str) -> None:
    now = int(time.time() * 1000)  # CloudWatch Logs rejects times far from now
    events = [{"timestamp": now, "message": text} for text in texts]
    logs.put_log_events(logGroupName="group", logStreamName=stream, logEvents=events)


def test_each_line_of_a_growing_stream_is_read_once(logs: Any, tmp_path: Path) -> None:
    def read() -> list[str]:
        reader = LogReader(logs, tmp_path / "state.json")
        texts = [line.text for line in reader.unread(["group"])]
        reader.remember()
        return texts

    logs.create_log_stream(logGroupName="group", logStreamName="one")
    write(logs, "one", "a", "a")
    assert read() == ["a", "a"]
    assert read() == []

    write(logs, "one", "a")
    logs.create_log_stream(logGroupName="group", logStreamName="two")
    write(logs, "two", "b")
    assert read() == ["a", "b"]


def test_lines_are_read_again_unless_remembered(logs: Any, tmp_path: Path) -> None:
    logs.create_log_stream(logGroupName="group", logStreamName="one")
    write(logs, "one", "a")

    for _ in range(2):
        assert len(LogReader(logs, tmp_path / "state.json").unread(["group"])) == 1
