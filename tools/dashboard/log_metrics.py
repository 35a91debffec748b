"""Metrics from log lines, as AWS creates them and the emulator does not.

CloudWatch turns lines in embedded metric format into metrics. On AWS, API Gateway, Lambda and SQS also put metrics of
their own. The emulator puts none, so those that follow from log lines and the queue are put under AWS's names.
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

MAX_METRICS_PER_CALL = 1000

type Datum = tuple[str, "MetricDatumTypeDef"]  # with its namespace


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a function's log; ``time`` in epoch milliseconds."""

    group: str
    time: int
    text: str


class LogReader:
    """Reads each line once, also across runs.

    Args:
        logs: A client of CloudWatch Logs.
        state: The file that records how far each stream has been read. No two streams ever have the same name, not even
            on two emulators.
    """

    def __init__(self, logs: Any, state: Path) -> None:
        self._logs = logs
        self._state = state
        self._tokens: dict[str, str] = json.loads(state.read_text()) if state.exists() else {}

    def unread(self, groups: Iterable[str]) -> list[LogLine]:
        """Return the lines of these log groups since the last call of ``remember``, also in an earlier run."""
        return [line for group in groups for stream in self._streams(group) for line in self._lines(group, stream)]

    def remember(self) -> None:
        """Record how far the streams have been read."""
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


def embedded_metrics(line: LogLine) -> Iterator[Datum]:
    """Return the metrics of a line in embedded metric format; nothing for any other line."""
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


def gateway_metrics(line: LogLine, api_id: str) -> Iterator[Datum]:
    """Return API Gateway's metrics for the request that a line describes; its latency lacks the gateway's own time."""
    record = _json_object(line.text)
    if record.get("message") != "request":
        return
    method, _, resource = record["route"].partition(" ")
    route = {"ApiId": api_id, "Stage": "$default", "Method": method, "Resource": resource}
    measured = {
        "Count": (1, "Count"),
        "4xx": (int(400 <= record["status"] < 500), "Count"),
        "5xx": (int(record["status"] >= 500), "Count"),
        "Latency": (record["duration_ms"], "Milliseconds"),
    }
    for dimensions, (name, (value, unit)) in itertools.product(({"ApiId": api_id}, route), measured.items()):
        yield _datum("AWS/ApiGateway", name, dimensions, line.time, value, unit)


def function_metrics(line: LogLine, function_name: str) -> Iterator[Datum]:
    """Return the duration that Lambda reports for an invocation."""
    report = re.match(r"REPORT RequestId: \S+\s+Duration: ([\d.]+) ms", line.text)
    if report:
        dimensions = {"FunctionName": function_name}
        yield _datum("AWS/Lambda", "Duration", dimensions, line.time, float(report[1]), "Milliseconds")


def queue_metrics(queue_name: str, visible: int, time: int) -> Iterator[Datum]:
    """Return the length of a queue at a time in epoch milliseconds."""
    name = "ApproximateNumberOfMessagesVisible"
    yield _datum("AWS/SQS", name, {"QueueName": queue_name}, time, visible, "Count")


def put_all(cloudwatch: "CloudWatchClient", metrics: Iterable[Datum]) -> int:
    """Put the metrics into CloudWatch; return their number."""
    by_namespace: dict[str, list[MetricDatumTypeDef]] = defaultdict(list)
    for namespace, datum in metrics:
        by_namespace[namespace].append(datum)
    for namespace, data in by_namespace.items():
        for batch in itertools.batched(data, MAX_METRICS_PER_CALL, strict=False):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=list(batch))
    return sum(map(len, by_namespace.values()))


def _datum(namespace: str, name: str, dimensions: dict[str, str], time: int, value: float, unit: Any) -> Datum:
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
