"""When each alarm goes off, evaluated on sample data, and whether its text and the runbook agree."""

import re

import pytest

from tests.support.alarm_states import is_on, period_of
from tools import ROOT
from tools.cloudformation import MONITORING, whole_number_bounds
from tools.cloudformation import resources as template_resources
from tools.dashboard.metric_math import Series
from tools.monitoring import alarms, resources, watched, widgets

NOW = 1_800_000_000 // 900 * 900
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
ALL = alarms(GradualDeployment="true", LifecycleEvents="true")


def steadily(value: float, period: int = 300) -> Series:
    return dict.fromkeys(range(NOW - 7200, NOW, period), value)


# Requests of half an hour, as (requests a minute, every how many minutes there is one).
SCALES = {"10 an hour": (1, 6), "1 a second": (60, 1), "11,000 a second": (660_000, 1)}
RATES = {
    "ApiErrors": ("errors", "requests"),
    "SessionsErrors": ("errors", "invocations"),
    "AgentsErrors": ("errors", "invocations"),
    "McpErrors": ("errors", "invocations"),
    "AuthorizerErrors": ("errors", "invocations"),
    "TableThrottles": ("session_owners_written", "requests"),
}


def requests_at(scale: str) -> Series:
    count, every = SCALES[scale]
    return {time: float(count) for time in range(NOW - 7200, NOW, 60 * every)}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RATES)
def test_rate_alarm_is_on_if_everything_fails_and_off_if_nothing_does(name: str, scale: str) -> None:
    failures, all_requests = RATES[name]
    requests = requests_at(scale)

    assert is_on(ALL[name], {failures: requests, all_requests: requests}, NOW)
    assert not is_on(ALL[name], {failures: {}, all_requests: requests}, NOW)
    assert not is_on(ALL[name], {failures: dict.fromkeys(requests, 0.0), all_requests: requests}, NOW)


@pytest.mark.parametrize("name", RATES)
def test_rate_alarm_is_off_without_any_request(name: str) -> None:
    failures, all_requests = RATES[name]

    assert not is_on(ALL[name], {failures: {}, all_requests: {}}, NOW)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RATES)
def test_rate_alarm_ignores_failures_of_two_minutes(name: str, scale: str) -> None:
    failures, all_requests = RATES[name]
    requests = requests_at(scale)
    latest = sorted(requests)[-2:]

    assert not is_on(ALL[name], {failures: {time: requests[time] for time in latest}, all_requests: requests}, NOW)


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize(("percent", "on"), [(1.9, False), (2.0, True)])
def test_rate_alarm_goes_off_at_2_percent(name: str, percent: float, on: bool) -> None:
    # At 11,000 a second, 1.9% are 12,540 failures a minute: a fixed number would keep the alarm on.
    failures, all_requests = RATES[name]
    requests = requests_at("11,000 a second")
    failed: Series = {time: round(count * percent / 100) for time, count in requests.items()}

    assert is_on(ALL[name], {failures: failed, all_requests: requests}, NOW) is on


@pytest.mark.parametrize("name", ["ApiErrors", "SessionsErrors", "AgentsErrors", "AuthorizerErrors"])
def test_alarm_stops_a_gradual_deployment_within_its_10_minutes(name: str) -> None:
    # Canary10Percent10Minutes: a broken version fails 10% of the requests for 10 minutes.
    failures, all_requests = RATES[name]
    requests = requests_at("1 a second")

    assert is_on(ALL[name], {failures: {NOW - 60 * m: 6.0 for m in range(1, 10)}, all_requests: requests}, NOW)


@pytest.mark.parametrize("name", ["ApiErrors", "SessionsErrors", "AgentsErrors", "AuthorizerErrors"])
def test_alarm_ends_half_an_hour_after_the_last_failure(name: str) -> None:
    failures, all_requests = RATES[name]
    requests = requests_at("1 a second")
    failed = {time: 60.0 for time in requests if time < NOW - 1800}

    assert not is_on(ALL[name], {failures: failed, all_requests: requests}, NOW)


def test_throttles_of_all_tables_and_indexes_are_summed() -> None:
    requests = requests_at("1 a second")
    alarm = ALL["TableThrottles"]
    tables = {each["Id"] for each in alarm["Metrics"] if "MetricStat" in each} - {"requests"}
    throttles = {name: dict.fromkeys(requests, 1.2 / len(tables)) for name in tables}
    assert is_on(alarm, throttles | {"requests": requests}, NOW)
    for name in tables:
        assert not is_on(alarm, throttles | {name: {}, "requests": requests}, NOW), name


def test_table_throttles_watch_every_table_and_index_that_is_written() -> None:
    written = {
        frozenset(metric.dimensions)
        for metric in watched(ALL["TableThrottles"]).values()
        if metric.name == "WriteThrottleEvents"
    }
    existing = set()
    for table, properties in template_resources("AWS::DynamoDB::Table").items():
        existing.add(frozenset({("TableName", table)}))
        for index in properties["GlobalSecondaryIndexes"]:
            existing.add(frozenset({("TableName", table), ("GlobalSecondaryIndexName", index["IndexName"])}))

    assert written == existing


@pytest.mark.parametrize("samples", [1, 10, 999, 3_300_000])
@pytest.mark.parametrize("was_on", [False, True])
def test_latency_alarm_depends_on_latency_at_any_number_of_requests(samples: int, was_on: bool) -> None:
    alarm = ALL["ApiLatency"]

    assert is_on(alarm, {"p99": steadily(3000)}, NOW, samples=samples, was_on=was_on)
    assert not is_on(alarm, {"p99": steadily(2999)}, NOW, samples=samples, was_on=was_on)


def test_ignored_percentile_would_keep_its_state() -> None:
    ignoring = ALL["ApiLatency"] | {"EvaluateLowSampleCountPercentile": "ignore"}

    assert is_on(ignoring, {"p99": steadily(20)}, NOW, samples=999, was_on=True)
    assert not is_on(ignoring, {"p99": steadily(20)}, NOW, samples=1000, was_on=True)


@pytest.mark.parametrize(("slow", "on"), [(1, False), (2, False), (3, True)])
def test_latency_alarm_needs_three_slow_periods(slow: int, on: bool) -> None:
    latency: Series = steadily(20) | {NOW - 300 * (2 * period + 1): 9000.0 for period in range(slow)}

    assert is_on(ALL["ApiLatency"], {"p99": latency}, NOW) is on
    assert is_on(ALL["ApiLatency"], {"p99": {time: ms for time, ms in latency.items() if ms > 20}}, NOW) is on
    assert not is_on(ALL["ApiLatency"], {"p99": {}}, NOW)


@pytest.mark.parametrize("name", ["DeadLetters", "LifecycleDeadLetters"])
def test_dead_letters_alarms_at_one_message(name: str) -> None:
    assert not is_on(ALL[name], {"messages": steadily(0)}, NOW)
    assert is_on(ALL[name], {"messages": steadily(1)}, NOW)
    assert not is_on(ALL[name], {"messages": {}}, NOW)


@pytest.mark.parametrize(("minutes", "periods", "on"), [(9, 6, False), (10, 2, False), (10, 3, True)])
def test_lifecycle_delay_alarms_at_ten_minutes_in_three_periods(minutes: int, periods: int, on: bool) -> None:
    ages = {NOW - 300 * number: minutes * 60_000.0 for number in range(1, periods + 1)}

    assert is_on(ALL["LifecycleDelay"], {"age": ages}, NOW) is on


def test_lifecycle_alarms_exist_only_with_the_option() -> None:
    assert {name for name in alarms(GradualDeployment="true") if name.startswith("Lifecycle")} == set()
    titles = {"true": 4, "false": 3}
    for value, number in titles.items():
        (widget,) = [each for each in widgets(LifecycleEvents=value) if each.title == "Dead letters"]
        assert len(widget.lines) == number - 1


def test_report_errors_ignores_success_on_last_attempt() -> None:
    assert not is_on(ALL["ReportErrors"], {"errors": steadily(2, 900)}, NOW)
    assert is_on(ALL["ReportErrors"], {"errors": steadily(3, 900)}, NOW)


@pytest.mark.parametrize(
    ("valid", "rejected", "on"),
    [
        (1000, 999, False),
        (1000, 1000, True),
        (9, 10, False),  # 19 tokens are too few
        (10, 10, True),
        (0, 20, True),
        (10_000, 0, False),
    ],
)
def test_rejected_tokens_alarms_at_half_of_20(valid: int, rejected: int, on: bool) -> None:
    assert is_on(ALL["RejectedTokens"], {"valid": steadily(valid), "rejected": steadily(rejected)}, NOW) is on


def test_rejected_tokens_alarms_without_valid_tokens() -> None:
    assert is_on(ALL["RejectedTokens"], {"valid": {}, "rejected": steadily(20)}, NOW)
    assert not is_on(ALL["RejectedTokens"], {"valid": {}, "rejected": {}}, NOW)


@pytest.mark.parametrize(
    ("created", "sign_ins", "on"), [(19, 19, False), (20, 20, True), (20, 41, False), (50_000, 100_000, True)]
)
def test_agents_created_alarms_if_half_of_the_sign_ins_create_one(created: int, sign_ins: int, on: bool) -> None:
    flood = {"created": steadily(created), "sign_ins": steadily(sign_ins)}

    assert is_on(ALL["AgentsCreated"], flood, NOW) is on
    assert not is_on(ALL["AgentsCreated"], {"created": {}, "sign_ins": steadily(sign_ins)}, NOW)


@pytest.mark.parametrize(
    ("sign_ins", "validations", "on"), [(99, 1, False), (100, 100, True), (100, 101, False), (10_000, 3_300_000, False)]
)
def test_sign_ins_alarms_at_as_many_as_validations(sign_ins: int, validations: int, on: bool) -> None:
    flood = {"sign_ins": steadily(sign_ins), "validations": steadily(validations)}

    assert is_on(ALL["SignIns"], flood, NOW) is on


def test_sign_ins_is_off_if_other_functions_validate() -> None:
    # Validations in process, with the layer, are in no metric.
    assert not is_on(ALL["SignIns"], {"sign_ins": steadily(1000), "validations": {}}, NOW)


@pytest.mark.parametrize("name", ["AgentsCreated", "SignIns"])
def test_burst_of_10_minutes_is_no_flood(name: str) -> None:
    burst: Series = {NOW - 600: 1000.0, NOW - 300: 1000.0}
    others = steadily(1) | burst

    assert not is_on(ALL[name], {"created": burst, "sign_ins": burst, "validations": others}, NOW)


@pytest.mark.parametrize("name", ["ends", "sweeps"])
def test_end_failures_alarms_at_one_in_each_of_three_periods(name: str) -> None:
    alarm = ALL["EndFailures"]

    assert is_on(alarm, {name: {NOW - 300 * period: 1.0 for period in (1, 3, 5)}}, NOW)
    assert not is_on(alarm, {name: {NOW - 300 * period: 9.0 for period in (1, 3)}}, NOW)
    assert not is_on(alarm, {name: {}}, NOW)


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
    assert is_on(ALL["ReportSilent"], {"reports": {}}, NOW)


@pytest.mark.parametrize("minutes", whole_number_bounds("ReportMinutes"))
def test_report_silent_is_valid_for_every_report_interval(minutes: int) -> None:
    alarm = alarms(ReportMinutes=str(minutes))["ReportSilent"]

    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert period_of(alarm) % 60 == 0
    assert int(alarm["EvaluationPeriods"]) * period_of(alarm) <= 86_400


@pytest.mark.parametrize("name", ALL)
def test_alarm_description_has_meaning_and_first_step(name: str) -> None:
    alarm = ALL[name]

    assert alarm["AlarmName"] == f"agent-sessions-{name}"
    assert re.fullmatch(r"[A-Z].{60,}\. Start with .{20,}\.", alarm["AlarmDescription"])
    assert len(alarm["AlarmDescription"]) <= 1024
    assert alarm["TreatMissingData"] in ("breaching", "notBreaching")


def test_runbook_sections_equal_alarms() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == list(ALL)


def test_runbook_and_alarms_name_existing_widgets_and_queries() -> None:
    named = set(re.findall(r"\*\*(.+?)\*\*", RUNBOOK))
    queries = {each["Name"].partition("/")[2] for each in resources("AWS::Logs::QueryDefinition").values()}
    titles = {widget.title for each in ("true", "false") for widget in widgets(RouteMetrics=each)}

    assert named
    assert named - titles - queries == set()
    for each in ALL.values():
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
