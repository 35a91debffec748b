"""When alarms go off, evaluated on numbers; and what they tell a person."""

import operator
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.operations import alarms, resources, widgets
from tools import ROOT
from tools.cloudformation import OPERATIONS, PARAMETERS
from tools.dashboard.metric_math import Series, evaluate

NOW = 1_800_000_000 // 900 * 900
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
COMPARISONS = {"GreaterThanOrEqualToThreshold": operator.ge, "LessThanThreshold": operator.lt}


def is_on(alarm: dict[str, Any], metrics: Mapping[str, Series], now: int = NOW) -> bool:
    """Return whether every one of the alarm's last periods is over its threshold, or missing where that counts."""
    period = period_of(alarm)
    last = now // period * period
    times = range(last - int(alarm["EvaluationPeriods"]) * period, last, period)
    expressions = [each["Expression"] for each in alarm.get("Metrics", []) if "Expression" in each]
    if expressions:
        # Of metrics that nobody ever emitted there is nothing to fill.
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
def test_an_alarm_goes_off_at_its_threshold(alarm: str, quiet: float, loud: float) -> None:
    assert not is_on(alarms()[alarm], {"metric": steadily(quiet)})
    assert is_on(alarms()[alarm], {"metric": steadily(loud)})
    assert not is_on(alarms()[alarm], {"metric": {}})


def test_a_report_that_succeeds_on_its_last_attempt_wakes_nobody() -> None:
    assert not is_on(alarms()["ReportErrors"], {"errors": steadily(2, 900)})
    assert is_on(alarms()["ReportErrors"], {"errors": steadily(3, 900)})


def test_one_slow_period_is_no_alarm() -> None:
    slow: Series = steadily(20) | {NOW - 300: 9000}

    assert not is_on(alarms()["ApiLatency"], {"latency": slow})


def test_throttles_of_all_functions_and_of_all_tables_count_together() -> None:
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
        (49, 50, False),  # 99 tokens are too few to speak of a share
        (50, 50, True),
        (0, 100, True),
        (10_000, 0, False),
    ],
)
def test_rejected_tokens_are_unusual_from_half_of_a_hundred_on(valid: int, rejected: int, on: bool) -> None:
    assert is_on(alarms()["RejectedTokens"], {"valid": steadily(valid), "rejected": steadily(rejected)}) is on


def test_rejected_tokens_count_where_there_is_no_valid_one_at_all() -> None:
    assert is_on(alarms()["RejectedTokens"], {"valid": {}, "rejected": steadily(100)})
    assert not is_on(alarms()["RejectedTokens"], {"valid": {}, "rejected": {}})


@pytest.mark.parametrize("minutes", [2, 5, 7, 60, 480])
def test_a_report_is_silent_after_three_of_its_periods(minutes: int) -> None:
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


def test_a_report_that_never_came_is_silent() -> None:
    assert is_on(alarms()["ReportSilent"], {"reports": {}})


@pytest.mark.parametrize("minutes", ["MinValue", "MaxValue"])
def test_cloudwatch_takes_the_alarm_for_every_period_of_the_report(minutes: str) -> None:
    alarm = alarms(ReportMinutes=str(PARAMETERS["ReportMinutes"][minutes]))["ReportSilent"]

    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert period_of(alarm) % 60 == 0
    assert int(alarm["EvaluationPeriods"]) * period_of(alarm) <= 86_400


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_says_what_it_means_and_where_to_look_first(name: str) -> None:
    alarm = alarms()[name]

    assert alarm["AlarmName"] == f"agent-sessions-{name}"
    assert re.fullmatch(r"[A-Z].{60,}\. First look: .{20,}\.", alarm["AlarmDescription"])
    assert len(alarm["AlarmDescription"]) <= 1024
    assert alarm["TreatMissingData"] in ("breaching", "notBreaching")


def test_the_runbook_has_a_section_for_each_alarm_and_no_other() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == list(alarms())


def test_the_runbook_names_widgets_and_queries_that_there_are() -> None:
    named = set(re.findall(r"\*\*(.+?)\*\*", RUNBOOK))
    queries = {each["Name"].partition("/")[2] for each in resources("AWS::Logs::QueryDefinition").values()}
    titles = {widget.title for widget in widgets()}

    assert named
    assert named - titles - queries == set()
    for each in alarms().values():
        assert set(re.findall('"([A-Z][^"]+ [^"]+)"', each["AlarmDescription"])) <= titles | queries


@pytest.mark.parametrize(
    ("parameters", "topic", "made"),
    [
        ({}, "AlarmTopic", {"AWS::SNS::Topic"}),
        ({"AlarmEmail": "ada@example.com"}, "AlarmTopic", {"AWS::SNS::Topic", "AWS::SNS::Subscription"}),
        ({"AlarmTopicArn": "arn:x"}, "arn:x", set()),
        ({"AlarmTopicArn": "arn:x", "AlarmEmail": "ada@example.com"}, "arn:x", {"AWS::SNS::Subscription"}),
    ],
)
def test_alarms_go_to_the_given_topic_or_to_one_of_the_stacks_own(
    parameters: dict[str, str], topic: str, made: set[str]
) -> None:
    kinds = {each["Type"] for each in OPERATIONS["Resources"].values()}

    assert {kind for kind in kinds if "SNS" in kind and resources(kind, **parameters)} == made
    for alarm in alarms(**parameters).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
    for subscription in resources("AWS::SNS::Subscription", **parameters).values():
        assert subscription == {"Protocol": "email", "Endpoint": "ada@example.com", "TopicArn": topic}


def test_an_emulator_is_spared_what_it_does_not_know() -> None:
    assert not resources("AWS::Logs::QueryDefinition", Emulated="true")
    assert alarms(Emulated="true")
    assert not [each for each in alarms(Emulated="true").values() if "Metrics" in each]
