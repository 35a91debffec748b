"""List prices of us-east-1, each with where it was read and the date that its source gives; no free tier."""

import math
from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, less where much is used.

    Args:
        unit: Of what.
        tiers: How many units each tier has, and the dollars of one; the last has no end.
        source: Where the price was read.
        date: Of the source.
    """

    unit: str
    tiers: tuple[tuple[float, float], ...]
    source: str
    date: str

    def of(self, units: float) -> float:
        """Return the dollars of so many units in a month."""
        dollars = 0.0
        for size, price in self.tiers:
            taken = min(units, size)
            dollars += taken * price
            units -= taken
        return dollars


def _flat(unit: str, dollars: float, source: str, date: str) -> Price:
    return Price(unit, ((math.inf, dollars),), source, date)


_AIRBYTE = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
_CLOUDWATCH = "https://cloudburn.io/blog/amazon-cloudwatch-pricing"
_LAMBDA = "https://cloudchipr.com/blog/aws-lambda-pricing"
_PROVISIONED = "https://zeonedge.com/en/blog/dynamodb-cost-optimization-on-demand-provisioned-dax-single-table"
_TB = 1000  # GB

API_REQUEST = Price(
    "request of an HTTP API",
    ((300 * MILLION, 1.00 / MILLION), (math.inf, 0.90 / MILLION)),
    "https://awsforengineers.com/blog/aws-api-gateway-pricing-explained",
    "2025-05",
)
LAMBDA_REQUEST = _flat("Lambda request", 0.20 / MILLION, _LAMBDA, "2024")
# There are cheaper tiers from billions of GB-seconds on.
LAMBDA_GB_SECOND = {
    "arm64": _flat("Lambda GB-second, arm64", 0.0000133334, _LAMBDA, "2024"),
    "x86_64": _flat("Lambda GB-second, x86_64", 0.0000166667, _LAMBDA, "2024"),
}
READ_UNIT = _flat("DynamoDB read request unit, on demand", 0.125 / MILLION, _AIRBYTE, "2025-07")
WRITE_UNIT = _flat("DynamoDB write request unit, on demand", 0.625 / MILLION, _AIRBYTE, "2025-07")
READ_CAPACITY_HOUR = _flat("DynamoDB read capacity unit, provisioned, hour", 0.00013, _PROVISIONED, "undated")
WRITE_CAPACITY_HOUR = _flat("DynamoDB write capacity unit, provisioned, hour", 0.00065, _PROVISIONED, "undated")
STORAGE_GB = _flat("DynamoDB GB-month", 0.25, "https://aws.amazon.com/dynamodb/pricing/", "undated")
RECOVERY_GB = _flat(
    "DynamoDB point-in-time recovery, GB-month",
    0.20,
    "the AWS Price List, usage type TimedPITRStorage-ByteHrs",
    "undated",
)
LOG_GB = Price(
    "GB of logs from Lambda and API Gateway",
    ((10 * _TB, 0.50), (20 * _TB, 0.25), (20 * _TB, 0.10), (math.inf, 0.05)),
    "https://www.duckbillgroup.com/?p=9080",
    "2025-05",
)
LOG_STORAGE_GB = _flat(
    "GB-month of kept logs",
    0.03,
    "https://hykell.com/kb/platform-specific-guides/aws-cloudwatch-logs-pricing",
    "undated",
)
METRIC = _flat("custom or detailed metric, month", 0.30, "https://signoz.io/guides/cloudwatch-pricing", "2026-02")
METRIC_PUT = _flat("PutMetricData request", 0.01 / 1000, _CLOUDWATCH, "2026-02")
ALARM = _flat("alarm on one metric, month", 0.10, _CLOUDWATCH, "2026-02")
DASHBOARD = _flat(
    "dashboard, month",
    3.00,
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
    "2026-06",
)
TRACE = _flat("X-Ray trace recorded", 5.00 / MILLION, "https://aws.amazon.com/xray/pricing/", "undated")
SCHEDULE = _flat(
    "EventBridge Scheduler invocation",
    1.00 / MILLION,
    "https://cloudburn.io/blog/amazon-eventbridge-pricing",
    "2026-03",
)
TRANSFER_GB = Price(
    "GB sent to the internet",
    ((10 * _TB, 0.09), (40 * _TB, 0.085), (100 * _TB, 0.07), (math.inf, 0.05)),
    "https://wring.co/blog/aws-data-transfer-pricing-guide",
    "2026-03",
)

ALL = (
    API_REQUEST,
    LAMBDA_REQUEST,
    *LAMBDA_GB_SECOND.values(),
    READ_UNIT,
    WRITE_UNIT,
    READ_CAPACITY_HOUR,
    WRITE_CAPACITY_HOUR,
    STORAGE_GB,
    RECOVERY_GB,
    LOG_GB,
    LOG_STORAGE_GB,
    METRIC,
    METRIC_PUT,
    ALARM,
    DASHBOARD,
    TRACE,
    SCHEDULE,
    TRANSFER_GB,
)
