"""The monthly bill, line by line, from measured requests and list prices."""

import math
import re
import statistics
from functools import partial
from typing import Any

from agent_sessions.http.caller import PUBLIC
from agent_sessions.metrics import Metric
from benchmarks import MB, Results
from benchmarks.costs.prices import dollars
from benchmarks.costs.workload import DAYS_A_MONTH, SECONDS_A_MONTH, Parameters, Workload, consumed, counts
from tools import cloudformation, monitoring
from tools.openapi.routes import BY_NAME

# The memory at which a function has one whole processor.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MEMORY_OF_ONE_CPU = 1769
# What the gateway writes in place of its variables; "-" for all others.
ACCESS_LOG_VALUES = {
    "requestId": "JKJaXmPLvHcESHA=",
    "identity.sourceIp": "203.0.113.17",
    "routeKey": BY_NAME["validate_session"].key,
    "status": "200",
    "responseLatency": "12",
}
EVENT_BYTES = 26  # that CloudWatch adds to each line. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/
# What precedes the body of the gateway's response to a validation, over HTTP/1.1.
RESPONSE_HEAD = (
    "HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 18:00:00 GMT\r\nContent-Type: application/json\r\n"
    "Content-Length: 515\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\nApigw-Requestid: JKJaXmPLvHcESHA=\r\n\r\n"
)
# Logs are kept compressed, and AWS's calculator expects this share of what was written.
# https://dev.classmethod.jp/articles/compare-archive-cost-cloudwatchlogs-s3/
COMPRESSED = 0.15
# What DynamoDB adds to each stored item.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
ITEM_BYTES = 100
AGENT_BYTES = 700  # an agent with long names, and its entry in the index
REPORT_METRICS = 2
# CloudWatch charges for a metric only in the hours in which it receives data.
RARE = {each for each in Metric if each.endswith("Failures")} | {Metric.AGENTS_CREATED, Metric.DATABASE_ERRORS}
METRICS_OF_A_ROUTE = 6  # DetailedMetricsEnabled: Count, 4xx, 5xx, Latency, IntegrationLatency, DataProcessed
SAMPLED = 0.05  # X-Ray records one request a second, and 5 % of the others


def access_log_bytes() -> int:
    """Return the length of a line that the gateway writes for a validation."""
    variable = r"\$context\.([A-Za-z.]*[A-Za-z])"
    return len(re.sub(variable, lambda match: ACCESS_LOG_VALUES.get(match[1], "-"), cloudformation.access_log_format()))


def billed_seconds(cpu: float, wait: float, memory: int) -> float:
    """Return the duration that Lambda bills: whole milliseconds; ``cpu`` is of one whole processor."""
    return math.ceil(1000 * (cpu * max(1, MEMORY_OF_ONE_CPU / memory) + wait)) / 1000


def request_seconds(operation: dict[str, Any], parameters: Parameters) -> float:
    """Return the duration that Lambda bills for one measured request."""
    cpu, wall = statistics.median(operation["cpu"]), statistics.median(operation["wall"])
    return billed_seconds(cpu, max(0, wall - cpu), int(parameters["MemoryMegabytes"]))


def lambda_dollars(seconds: float, parameters: Parameters) -> float:
    """Return the price of a billed duration."""
    return dollars(f"lambda_{parameters['Architecture']}", int(parameters["MemoryMegabytes"]) / 1024 * seconds)


def request_bill(operation: dict[str, Any], count: float, parameters: Parameters) -> dict[str, float]:
    """Return the dollars of ``count`` requests by service; logs, traces and transfer come on top."""
    duration = lambda_dollars(count * request_seconds(operation, parameters), parameters)
    reads, writes = (count * operation[units] for units in ("read_units", "write_units"))
    return {
        "API Gateway": dollars("api_request", count),
        "Lambda": dollars("lambda_request", count) + duration,
        "DynamoDB": dollars("read_unit", reads) + dollars("write_unit", writes),
    }


def monthly_bill(workload: Workload, parameters: Parameters, results: Results) -> dict[str, float]:
    """Return the dollars a month, by line of the bill, from measured requests and what the templates declare."""
    operations, requests = results["warm"]["operations"], counts(workload, parameters)
    total, memory = sum(requests.values()), int(parameters["MemoryMegabytes"])

    summed = partial(consumed, workload=workload, parameters=parameters, results=results)
    seconds = sum(count * request_seconds(operations[name], parameters) for name, count in requests.items())
    start = billed_seconds(statistics.median(results["start"]["function ready"]), 0, MEMORY_OF_ONE_CPU)
    # Stored items, and the activity report, which reads them.
    largest = results["growth"][-1]
    item_bytes = largest["report"]["bytes"] / largest["sessions"]
    session_bytes = workload.stored_sessions * (item_bytes + ITEM_BYTES)
    stored_gb = (session_bytes + workload.agents * (AGENT_BYTES + 2 * ITEM_BYTES)) / 1e9
    reports = SECONDS_A_MONTH / 60 / int(parameters["ReportMinutes"])
    report_bytes = workload.stored_sessions * item_bytes
    report_cpu = report_bytes / MB * largest["report"]["cpu"] / largest["report"]["calls"]
    # Two events for each session: its start and its end.
    ended = workload.sessions_started if parameters["LifecycleEvents"] == "true" else 0
    events = 2 * ended
    owners = total * (len(workload.owner) - len(PUBLIC))
    # Metrics are log lines that are written at every log level.
    function_bytes = summed("log_bytes") + owners if parameters["LogLevel"] == "INFO" else summed("metric_bytes")
    log_lines = summed("log_lines") + total  # Lambda's own are below WARN, so it writes none
    log_gb = (function_bytes + total * access_log_bytes() + log_lines * EVENT_BYTES) / 1e9
    kept_gb = COMPRESSED * log_gb * int(parameters["LogRetentionDays"]) / DAYS_A_MONTH
    sent_gb = (summed("body_bytes") + owners + total * len(RESPONSE_HEAD)) / 1e9
    alarms = monitoring.alarms(**{name: str(value) for name, value in parameters.items()}).values()
    traces = min(total, SECONDS_A_MONTH + SAMPLED * max(0, total - SECONDS_A_MONTH))
    routes = len(cloudformation.resources("AWS::ApiGatewayV2::Route")) if parameters["RouteMetrics"] == "true" else 0
    return {
        "API Gateway: requests": dollars("api_request", total),
        "Lambda: requests": dollars("lambda_request", total + reports),
        "Lambda: duration of requests": lambda_dollars(seconds, parameters),
        "Lambda: cold starts": lambda_dollars(total * workload.cold_starts * start, parameters),
        "Lambda: activity report": lambda_dollars(reports * billed_seconds(report_cpu, 0, memory), parameters),
        # At most one invocation for each event; it takes as long as a validation.
        "Lambda: lifecycle events": request_bill(operations["validate"], events, parameters)["Lambda"],
        "DynamoDB: reads": dollars("read_unit", summed("read_units")),
        "DynamoDB: writes": dollars("write_unit", summed("write_units")),
        "DynamoDB: reads of the activity report": dollars("read_unit", reports * report_bytes / 4096 / 2),
        "DynamoDB: deletions for lifecycle events": dollars("write_unit", 2 * ended * (1 - workload.signed_out)),
        "DynamoDB: storage": dollars("storage_gb", stored_gb),
        "DynamoDB: point-in-time recovery": dollars("recovery_gb", stored_gb),
        "CloudWatch: logs written": dollars("log_gb", log_gb),
        "CloudWatch: logs kept": dollars("log_storage_gb", kept_gb),
        "CloudWatch: metrics of the service": dollars("metric", len(set(Metric) - RARE) + REPORT_METRICS)
        + dollars("metric_put", reports),
        "CloudWatch: metrics of the routes": dollars("metric", routes * METRICS_OF_A_ROUTE),
        "CloudWatch: alarms": dollars("alarm", sum(len(monitoring.watched(each)) for each in alarms)),
        "CloudWatch: dashboards": dollars("dashboard", len(monitoring.resources("AWS::CloudWatch::Dashboard"))),
        "X-Ray: traces": dollars("trace", traces if parameters["Tracing"] == "Active" else 0),
        "EventBridge: lifecycle events": dollars("event", events),
        "EventBridge Scheduler": dollars("schedule", reports),
        "Data sent to the internet": dollars("transfer_gb", sent_gb),
    }
