"""The bill of a month, line by line, from what one request was measured to take and the list prices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from benchmarks.costs import prices
from benchmarks.costs.workload import SECONDS_A_MONTH, Deployment, Workload, requests

# The memory at which a function has one whole processor.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MEMORY_OF_ONE_CPU = 1769
# Lambda's own START, END, REPORT and XRAY lines, and the access log of the gateway (ApiLogs).
PLATFORM_LOG_BYTES, PLATFORM_LOG_LINES = 400, 4
ACCESS_LOG_BYTES = 260
# What CloudWatch adds to each event. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/
EVENT_BYTES = 26
# The gateway's headers of an answer.
HEADER_BYTES = 350
# What DynamoDB adds to each item, for storage only.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
ITEM_BYTES = 100
# An agent and its entry in the index, with long names.
AGENT_BYTES = 700
METRICS_OF_A_ROUTE = 6  # DetailedMetricsEnabled: Count, 4xx, 5xx, Latency, IntegrationLatency, DataProcessed
SAMPLED = 0.05  # X-Ray: one request a second, and 5 % of the others


@dataclass(frozen=True, slots=True)
class Request:
    """What one request takes.

    Args:
        cpu: Seconds of one whole processor.
        wait: Seconds in which it waits for the database.
        read_units: Of DynamoDB.
        write_units: Of DynamoDB.
        log_bytes: What the function logs.
        metric_bytes: What of it are counts, which every log level writes.
        log_lines: In how many lines.
        body_bytes: What is answered.
    """

    cpu: float = 0.0
    wait: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    log_bytes: float = 0.0
    metric_bytes: float = 0.0
    log_lines: int = 0
    body_bytes: float = 0.0

    def billed_seconds(self, memory: int) -> float:
        """Return for how long Lambda bills it: in whole milliseconds, its processor a share of one."""
        return math.ceil(1000 * (self.cpu * max(1, MEMORY_OF_ONE_CPU / memory) + self.wait)) / 1000

    def dollars(self, deployment: Deployment) -> dict[str, float]:
        """Return what one costs beyond what is kept, by line: request prices of the first tier."""
        gb_seconds = self.billed_seconds(deployment.memory) * deployment.memory / 1024
        return {
            "API Gateway": prices.API_REQUEST.of(1),
            "Lambda requests": prices.LAMBDA_REQUEST.of(1),
            "Lambda duration": prices.LAMBDA_GB_SECOND[deployment.architecture].of(gb_seconds),
            "DynamoDB reads": prices.READ_UNIT.of(self.read_units),
            "DynamoDB writes": prices.WRITE_UNIT.of(self.write_units),
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, as far as it has a price.

    Args:
        operations: What a request takes, by operation.
        start: Seconds of CPU that a function takes to start.
        session_bytes: Of a session in its table.
        page_cpu: Seconds of CPU that the report takes for each call of Scan.
        alarmed: Metrics that alarms watch.
        dashboards: In the template.
        routes: In the template.
        metrics: That the service counts and reports.
    """

    operations: Mapping[str, Request]
    start: float
    session_bytes: float
    page_cpu: float
    alarmed: int
    dashboards: int
    routes: int
    metrics: int


@dataclass(slots=True)
class Bill:
    """Dollars of a month, by line."""

    lines: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """All lines together."""
        return sum(self.lines.values())

    @classmethod
    def of(cls, workload: Workload, deployment: Deployment, measured: Measured) -> Self:
        """Work out the bill of a fleet."""
        counts = requests(workload, deployment)
        total = sum(counts.values())
        reports = SECONDS_A_MONTH / 60 / deployment.report_minutes
        table_bytes = workload.sessions_held * measured.session_bytes
        scan_units = reports * table_bytes / 4096 / 2
        stored_gb = (
            workload.sessions_held * (measured.session_bytes + ITEM_BYTES)
            + workload.agents * (AGENT_BYTES + 2 * ITEM_BYTES)
        ) / 1e9

        def summed(what: str) -> float:
            return float(sum(count * getattr(measured.operations[name], what) for name, count in counts.items()))

        memory_gb = deployment.memory / 1024
        seconds = sum(
            count * measured.operations[name].billed_seconds(deployment.memory) for name, count in counts.items()
        )
        starting = total * workload.cold_starts * Request(cpu=measured.start).billed_seconds(MEMORY_OF_ONE_CPU)
        reporting = reports * Request(cpu=table_bytes / 1024**2 * measured.page_cpu).billed_seconds(deployment.memory)
        lines = summed("log_lines") + total * (PLATFORM_LOG_LINES + 1)
        # The counts of requests are log lines too, and are written at every level.
        written = summed("log_bytes" if deployment.log_level in ("DEBUG", "INFO") else "metric_bytes")
        log_gb = (written + total * (PLATFORM_LOG_BYTES + ACCESS_LOG_BYTES) + lines * EVENT_BYTES) / 1e9
        gb_second = prices.LAMBDA_GB_SECOND[deployment.architecture]
        traced = min(total, SECONDS_A_MONTH + SAMPLED * max(0, total - SECONDS_A_MONTH))
        return cls(
            {
                "API Gateway: requests": prices.API_REQUEST.of(total),
                "Lambda: requests": prices.LAMBDA_REQUEST.of(total + reports),
                "Lambda: duration of requests": gb_second.of(memory_gb * seconds),
                "Lambda: cold starts": gb_second.of(memory_gb * starting),
                "Lambda: the report": gb_second.of(memory_gb * reporting),
                "DynamoDB: reads": prices.READ_UNIT.of(summed("read_units")),
                "DynamoDB: writes": prices.WRITE_UNIT.of(summed("write_units")),
                "DynamoDB: reads of the report": prices.READ_UNIT.of(scan_units),
                "DynamoDB: storage": prices.STORAGE_GB.of(stored_gb),
                "DynamoDB: point-in-time recovery": prices.RECOVERY_GB.of(stored_gb),
                "CloudWatch: logs written": prices.LOG_GB.of(log_gb),
                "CloudWatch: logs kept": prices.LOG_STORAGE_GB.of(log_gb * deployment.log_days / 30),
                "CloudWatch: metrics of the service": prices.METRIC.of(measured.metrics)
                + prices.METRIC_PUT.of(reports),
                "CloudWatch: metrics of the routes": prices.METRIC.of(measured.routes * METRICS_OF_A_ROUTE),
                "CloudWatch: alarms": prices.ALARM.of(measured.alarmed),
                "CloudWatch: dashboards": prices.DASHBOARD.of(measured.dashboards),
                "X-Ray: traces": prices.TRACE.of(traced),
                "EventBridge Scheduler": prices.SCHEDULE.of(reports),
                "Data sent to the internet": prices.TRANSFER_GB.of((summed("body_bytes") + total * HEADER_BYTES) / 1e9),
            }
        )
