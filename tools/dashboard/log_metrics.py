"""What AWS makes of log lines and the emulator does not: metrics.

CloudWatch turns lines in embedded metric format into metrics. API Gateway, Lambda and SQS measure themselves; the
emulator does not, so as much of it as log lines and the queue tell is put under the names that AWS gives it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

MOST_IN_ONE_CALL = 1000

type Put = tuple[str, "MetricDatumTypeDef"]  # the namespace, and what is put there


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a function's log; ``time`` in epoch milliseconds."""

    group: str
    time: int
    text: str


class LogReader:
    """Reads each line once, over as many runs as there are.

    Args:
        logs: A client of CloudWatch Logs.
        state: The file that remembers how far each stream was read. The name of a stream is never used again, also not
            by another emulator.
    """

    def __init__(self, logs: Any, state: Path) -> None:
        self._logs = logs
        self._state = state
        self._tokens: dict[str, str] = json.loads(state.read_text()) if state.exists() else {}

    def unread(self, groups: Iterable[str]) -> list[LogLine]:
        """Return the lines of these log groups that are new since the last run that was remembered."""
        return [line for group in groups for stream in self._streams(group) for line in self._lines(group, stream)]

    def remember(self) -> None:
        """Let later runs begin where this one ended."""
        self._state.write_text(json.dumps(self._tokens))

    def _streams(self, group: str) -> Iterator[str]:
        for page in self._logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
            yield from (stream["logStreamName"] for stream in page["logStreams"])

    def _lines(self, group: str, stream: str) -> Iterator[LogLine]:
        key = f"{group} {stream}"
        while True:
            after = {"nextToken": self._tokens[key]} if key in self._tokens else {}
            page = self._logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **after)
            yield from (LogLine(group, event["timestamp"], event["message"]) for event in page["events"])
            if page["nextForwardToken"] == self._tokens.get(key):  # the end of the stream
                return
            self._tokens[key] = page["nextForwardToken"]


def embedded_metrics(line: LogLine) -> Iterator[Put]:
    """Return the metrics of a line in embedded metric format; none of another."""
    record = _json_object(line.text)
    about = record.get("_aws", {})
    for directive in about.get("CloudWatchMetrics", []):
        for names, metric in itertools.product(directive["Dimensions"], directive["Metrics"]):
            values = record[metric["Name"]]
            yield (
                directive["Namespace"],
                {
                    "MetricName": metric["Name"],
                    "Dimensions": [{"Name": name, "Value": record[name]} for name in names],
                    "Timestamp": datetime.fromtimestamp(about["Timestamp"] / 1000, UTC),
                    "Values": values if isinstance(values, list) else [values],
                    "Unit": metric.get("Unit", "None"),
                },
            )


def gateway_metrics(line: LogLine, api_id: str) -> Iterator[Put]:
    """Return what API Gateway would measure of the request that a line tells of, but for its own milliseconds."""
    record = _json_object(line.text)
    if record.get("message") != "request":
        return
    method, _, resource = record["route"].partition(" ")
    of_the_route = {"ApiId": api_id, "Stage": "$default", "Method": method, "Resource": resource}
    measured = {
        "Count": (1, "Count"),
        "4xx": (int(400 <= record["status"] < 500), "Count"),
        "5xx": (int(record["status"] >= 500), "Count"),
        "Latency": (record["duration_ms"], "Milliseconds"),
    }
    for dimensions, (name, (value, unit)) in itertools.product(({"ApiId": api_id}, of_the_route), measured.items()):
        yield _put("AWS/ApiGateway", name, dimensions, line.time, value, unit)


def function_metrics(line: LogLine, function_name: str) -> Iterator[Put]:
    """Return how long Lambda says that an invocation took."""
    report = re.match(r"REPORT RequestId: \S+\s+Duration: ([\d.]+) ms", line.text)
    if report:
        dimensions = {"FunctionName": function_name}
        yield _put("AWS/Lambda", "Duration", dimensions, line.time, float(report[1]), "Milliseconds")


def queue_metrics(queue_name: str, visible: int, time: int) -> Iterator[Put]:
    """Return the length of a queue at a time in epoch milliseconds."""
    name = "ApproximateNumberOfMessagesVisible"
    yield _put("AWS/SQS", name, {"QueueName": queue_name}, time, visible, "Count")


def put_all(cloudwatch: "CloudWatchClient", metrics: Iterable[Put]) -> int:
    """Put the metrics into CloudWatch; return how many."""
    by_namespace: dict[str, list[MetricDatumTypeDef]] = defaultdict(list)
    for namespace, datum in metrics:
        by_namespace[namespace].append(datum)
    for namespace, data in by_namespace.items():
        for some in itertools.batched(data, MOST_IN_ONE_CALL, strict=False):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=list(some))
    return sum(map(len, by_namespace.values()))


def _put(namespace: str, name: str, dimensions: dict[str, str], time: int, value: float, unit: Any) -> Put:
    return namespace, {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": each} for key, each in dimensions.items()],
        "Timestamp": datetime.fromtimestamp(time / 1000, UTC),
        "Value": value,
        "Unit": unit,
    }


def _json_object(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
