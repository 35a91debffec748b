"""When each alarm goes off, evaluated on sample data, and whether its text and the runbook agree."""

import operator
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.monitoring import alarms, resources, widgets
from tools import ROOT
from tools.cloudformation import MONITORING, whole_number_bounds
from tools.dashboard.metric_math import Series, evaluate

NOW = 1_800_000_000 // 900 * 900
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
COMPARISONS = {"GreaterThanOrEqualToThreshold": operator.ge, "LessThanThreshold": operator.lt}


def is_on(alarm: dict[str, Any], metrics: Mapping[str, Series], now: int = NOW) -> bool:
    """Return whether each of the alarm's last periods breaches the threshold or is missing and counts as breaching."""
    period = period_of(alarm)
    last = now // period * period
    times = range(last - int(alarm["EvaluationPeriods"]) * period, last, period)
    expressions = [each["Expression"] for each in alarm.get("Metrics", []) if "Expression" in each]
    if expressions:
        # FILL yields nothing for a metric that was never emitted.
        values = evaluate(expressions[0], metrics, times) if any(metrics.values()) else {}
    else:
        (values,) = metrics.values()
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    missing = alarm["TreatMissingData"] == "breaching"
    return all(breaches(values[time], alarm["Threshold"]) if time in values else missing for time in times)


def period_of(alarm: dict[str, Any]) -> int:
    periods = (
        {alarm["Period"]}
        if "Period" in alarm
        else {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each}
    )
    (period,) = periods
    return int(period)


def steadily(value: float, period: int = 300) -> Series:
    return dict.fromkeys(range(NOW - 7200, NOW, period), value)


@pytest.mark.parametrize(
    ("alarm", "quiet", "loud"),
    [
        ("ApiErrors", 4, 5),
        ("ApiLatency", 2999, 3000),
        ("SessionsErrors", 0, 1),
        ("AgentsErrors", 0, 1),
        ("DeadLetters", 0, 1),
    ],
)
def test_alarm_goes_off_at_threshold(alarm: str, quiet: float, loud: float) -> None:
    assert not is_on(alarms()[alarm], {"metric": steadily(quiet)})
    assert is_on(alarms()[alarm], {"metric": steadily(loud)})
    assert not is_on(alarms()[alarm], {"metric": {}})


def test_report_errors_ignores_success_on_last_attempt() -> None:
    assert not is_on(alarms()["ReportErrors"], {"errors": steadily(2, 900)})
    assert is_on(alarms()["ReportErrors"], {"errors": steadily(3, 900)})


def test_one_slow_period_does_not_alarm() -> None:
    slow: Series = steadily(20) | {NOW - 300: 9000}

    assert not is_on(alarms()["ApiLatency"], {"latency": slow})


def test_throttles_are_summed_over_functions_and_tables() -> None:
    functions = {name: steadily(1) for name in ("sessions", "agents", "report")}
    assert not is_on(alarms()["FunctionThrottles"], functions)
    assert is_on(alarms()["FunctionThrottles"], functions | {"agents": steadily(3)})

    assert not is_on(alarms()["TableThrottles"], {"index_read": steadily(9)})
    assert is_on(alarms()["TableThrottles"], {"index_read": steadily(9), "agents_written": steadily(1)})


@pytest.mark.parametrize(
    ("valid", "rejected", "on"),
    [
        (1000, 999, False),
        (1000, 1000, True),
        (49, 50, False),  # 99 tokens are too few
        (50, 50, True),
        (0, 100, True),
        (10_000, 0, False),
    ],
)
def test_rejected_tokens_alarms_at_half_of_100(valid: int, rejected: int, on: bool) -> None:
    assert is_on(alarms()["RejectedTokens"], {"valid": steadily(valid), "rejected": steadily(rejected)}) is on


def test_rejected_tokens_alarms_without_valid_tokens() -> None:
    assert is_on(alarms()["RejectedTokens"], {"valid": {}, "rejected": steadily(100)})
    assert not is_on(alarms()["RejectedTokens"], {"valid": {}, "rejected": {}})


@pytest.mark.parametrize("minutes", [2, 5, 7, 60, 480])
def test_report_silent_alarms_after_three_intervals(minutes: int) -> None:
    alarm = alarms(ReportMinutes=str(minutes))["ReportSilent"]
    period, three = period_of(alarm), 3 * minutes * 60

    for jitter in range(0, minutes * 60, max(13, minutes * 9)):
        runs = range(NOW - 10 * three + jitter, NOW, minutes * 60)
        reports: Series = {}
        for time in runs:
            reports[time // period * period] = reports.get(time // period * period, 0) + 1
        last = runs[-1]
        silent = next(now for now in range(last, last + 2 * three, period) if is_on(alarm, {"reports": reports}, now))
        assert three <= silent - last // period * period <= three + 2 * period


def test_report_silent_alarms_if_no_report_ever_ran() -> None:
    assert is_on(alarms()["ReportSilent"], {"reports": {}})


@pytest.mark.parametrize("minutes", whole_number_bounds("ReportMinutes"))
def test_report_silent_is_valid_for_every_report_interval(minutes: int) -> None:
    alarm = alarms(ReportMinutes=str(minutes))["ReportSilent"]

    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert period_of(alarm) % 60 == 0
    assert int(alarm["EvaluationPeriods"]) * period_of(alarm) <= 86_400


@pytest.mark.parametrize("name", alarms())
def test_alarm_description_has_meaning_and_first_step(name: str) -> None:
    alarm = alarms()[name]

    assert alarm["AlarmName"] == f"agent-sessions-{name}"
    assert re.fullmatch(r"[A-Z].{60,}\. Start with .{20,}\.", alarm["AlarmDescription"])
    assert len(alarm["AlarmDescription"]) <= 1024
    assert alarm["TreatMissingData"] in ("breaching", "notBreaching")


def test_runbook_sections_equal_alarms() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == list(alarms())


def test_runbook_and_alarms_name_existing_widgets_and_queries() -> None:
    named = set(re.findall(r"\*\*(.+?)\*\*", RUNBOOK))
    queries = {each["Name"].partition("/")[2] for each in resources("AWS::Logs::QueryDefinition").values()}
    titles = {widget.title for each in ("true", "false") for widget in widgets(RouteMetrics=each)}

    assert named
    assert named - titles - queries == set()
    for each in alarms().values():
        assert set(re.findall('"([A-Z][^"]+ [^"]+)"', each["AlarmDescription"])) <= titles | queries


@pytest.mark.parametrize(
    ("parameters", "topic", "created"),
    [
        ({}, "AlarmTopic", {"AWS::SNS::Topic"}),
        ({"AlarmEmail": "ada@example.com"}, "AlarmTopic", {"AWS::SNS::Topic", "AWS::SNS::Subscription"}),
        ({"AlarmTopicArn": "arn:x"}, "arn:x", set()),
        ({"AlarmTopicArn": "arn:x", "AlarmEmail": "ada@example.com"}, "arn:x", {"AWS::SNS::Subscription"}),
    ],
)
def test_alarms_notify_given_topic_or_own_topic(parameters: dict[str, str], topic: str, created: set[str]) -> None:
    kinds = {each["Type"] for each in MONITORING["Resources"].values()}

    assert {kind for kind in kinds if "SNS" in kind and resources(kind, **parameters)} == created
    for alarm in alarms(**parameters).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
    for subscription in resources("AWS::SNS::Subscription", **parameters).values():
        assert subscription == {"Protocol": "email", "Endpoint": "ada@example.com", "TopicArn": topic}


def test_emulated_omits_queries_and_metric_math() -> None:
    assert not resources("AWS::Logs::QueryDefinition", Emulated="true")
    assert alarms(Emulated="true")
    assert not [each for each in alarms(Emulated="true").values() if "Metrics" in each]
