"""How CloudWatch evaluates an alarm: few samples, missing data, and M of N periods.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
"""

import operator
from collections.abc import Mapping
from typing import Any

from tools.dashboard.metric_math import Series, evaluate

COMPARISONS = {"GreaterThanOrEqualToThreshold": operator.ge, "LessThanThreshold": operator.lt}
# CloudWatch retrieves some more periods than it evaluates; how many, it does not say. Its example has two for three.
MOST_EXTRA_PERIODS = 2


def period_of(alarm: dict[str, Any]) -> int:
    """Return the period of all metrics of an alarm, in seconds."""
    periods = (
        {alarm["Period"]}
        if "Period" in alarm
        else {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    )
    (period,) = periods
    return int(period)


def is_on(
    alarm: dict[str, Any], metrics: Mapping[str, Series], now: int, *, samples: int = 1_000_000, was_on: bool = False
) -> bool:
    """Return whether an alarm is on; fails if that depends on how many more periods CloudWatch retrieves.

    Args:
        alarm: Its properties.
        metrics: The series by the ids of its expression; a missing period is not in them. A metric that was never
            emitted may be left out.
        now: Epoch seconds.
        samples: Samples in each period, for percentiles.
        was_on: The state before, which few samples can keep.
    """
    percentile = float(alarm.get("ExtendedStatistic", "p0").removeprefix("p")) / 100
    few = samples < 10 / (1 - percentile if percentile > 0.5 else percentile or 1)
    if "ExtendedStatistic" in alarm and few and alarm["EvaluateLowSampleCountPercentile"] == "ignore":
        return was_on
    (state,) = {_breaches(alarm, metrics, now, extra) for extra in range(MOST_EXTRA_PERIODS + 1)}
    return state


def _breaches(alarm: dict[str, Any], metrics: Mapping[str, Series], now: int, extra: int) -> bool:
    period, count = period_of(alarm), int(alarm["EvaluationPeriods"])
    last = now // period * period
    times = range(last - (count + extra) * period, last, period)
    values = _values(alarm, metrics, times)
    # Real data counts before missing data, also if it is older; what is missing then is filled in.
    real = [values[time] for time in times if time in values][-count:]
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    breaching = sum(breaches(value, alarm["Threshold"]) for value in real)
    if alarm["TreatMissingData"] == "breaching":
        breaching += count - len(real)
    return bool(breaching >= int(alarm.get("DatapointsToAlarm", count)))


def _values(alarm: dict[str, Any], metrics: Mapping[str, Series], times: range) -> Series:
    expressions = [each["Expression"] for each in alarm.get("Metrics", []) if "Expression" in each]
    if not expressions:
        (values,) = metrics.values()
        return values
    if not any(metrics.values()):
        return {}  # FILL yields nothing for a metric that was never emitted
    never: dict[str, Series] = {each["Id"]: {} for each in alarm["Metrics"] if "MetricStat" in each}
    return evaluate(expressions[0], {**never, **metrics}, times)
