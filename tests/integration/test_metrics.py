"""Every metric of a widget or an alarm is emitted, and every emitted metric is on the dashboard."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.exceptions import EndpointConnectionError

from agent_sessions.dynamodb.agents_table import IDENTITY_INDEX, OWNER_INDEX
from tests.conftest import FrozenClock
from tests.support.database import client_of
from tests.support.events import load_event
from tests.support.functions import Api, Context
from tests.support.timeouts import HANG_SECONDS
from tools import ROOT
from tools.cloudformation import RESOURCES, access_log_format
from tools.dashboard.body import Metric, Search
from tools.dashboard.log_metrics import LogLine, embedded_metrics
from tools.dashboard.metric_math import evaluate
from tools.monitoring import (
    SERVICE,
    STACK_PARAMETERS,
    alarms,
    on_the_dashboard,
    resources,
    watched,
    widgets,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

pytestmark = pytest.mark.usefixtures("other_services")

OWN = "AgentSessions"
DOCUMENTED = yaml.safe_load((ROOT / "tests/data/aws_metrics.yaml").read_text())

# The type of resource that a dimension of AWS's metrics names.
NAMES = {
    "ApiId": "AWS::ApiGatewayV2::Api",
    "FunctionName": "AWS::Serverless::Function",
    "QueueName": "AWS::SQS::Queue",
    "TableName": "AWS::DynamoDB::Table",
}


def shown() -> list[Metric | Search]:
    """Return all metrics of the dashboard and the alarms."""
    return [
        *on_the_dashboard(RouteMetrics="true"),
        *(metric for alarm in alarms().values() for metric in watched(alarm).values()),
    ]


@contextmanager
def failing(function: ModuleType, operation: str) -> Iterator[None]:
    """Let an operation of DynamoDB fail to connect."""

    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    events = client_of(function.service.tables).meta.events
    events.register(f"before-call.dynamodb.{operation}", fail)
    yield
    events.unregister(f"before-call.dynamodb.{operation}", fail)


@pytest.fixture
def emitted(
    start: Callable[..., Api],
    load_function: Callable[[str], ModuleType],
    frozen: FrozenClock,
    capsys: pytest.CaptureFixture[str],
) -> set[Metric]:
    """All metrics that the service emits: in embedded metric format, and put by the report."""
    put: set[Metric] = set()

    def note(params: dict[str, Any], **_: object) -> None:
        for datum in params["MetricData"]:
            put.add(metric_of(params["Namespace"], datum))

    api = start(MAX_SESSIONS_PER_AGENT="1")
    database = client_of(api.functions["sessions"].service.tables)
    with failing(api.functions["sessions"], "DeleteItem"):
        for _ in range(16):
            api.sign_in("One that sweeps")
    deleted = api.sign_in("One that is deleted by hand").body
    database.delete_item(TableName="AgentsTable", Key={"agent_id": {"S": deleted["agent_id"]}})
    token = api.sign_in().body["session_token"]
    api.sign_in()
    frozen.tick(300)
    with failing(api.functions["sessions"], "DeleteItem"), failing(api.functions["sessions"], "BatchWriteItem"):
        api.validate(deleted["session_token"])
    api.validate(token)
    frozen.tick(60)
    with failing(api.functions["sessions"], "UpdateItem"):
        api.validate(token)
    with failing(api.functions["sessions"], "GetItem"):
        api.validate(token)
    api.sign_out(token)
    api.validate(token)
    report = load_function("activity_report")
    report.report._cloudwatch.meta.events.register("provide-client-params.cloudwatch.PutMetricData", note)
    report.handler(load_event("activity_report"), Context())
    lines = (LogLine("", 0, text) for text in capsys.readouterr().out.splitlines())
    return put | {metric_of(namespace, datum) for line in lines for namespace, datum in embedded_metrics(line)}


def metric_of(namespace: str, datum: Any) -> Metric:
    return Metric(
        namespace, datum["MetricName"], frozenset((each["Name"], each["Value"]) for each in datum["Dimensions"])
    )


def test_shown_metrics_are_exactly_the_emitted_ones(emitted: set[Metric]) -> None:
    own = {each for each in shown() if each.namespace == OWN}

    assert own - emitted == set()
    assert emitted - set(on_the_dashboard()) == set()


def test_aws_metrics_are_documented_with_these_dimensions() -> None:
    for each in shown():
        if each.namespace == OWN:
            continue
        documented = DOCUMENTED[each.namespace]
        names = each.dimensions if isinstance(each, Search) else {name for name, _ in each.dimensions}
        assert each.name in documented["metrics"], each
        assert sorted(names) in [sorted(known) for known in documented["dimensions"]], each


def test_each_dimension_names_a_resource() -> None:
    for each in shown():
        for name, value in [each.where] if isinstance(each, Search) else each.dimensions:
            if name in NAMES:
                assert RESOURCES[value]["Type"] == NAMES[name], each
            else:
                assert value in {"service": {SERVICE}, "GlobalSecondaryIndexName": {IDENTITY_INDEX, OWNER_INDEX}}[name]


def test_nested_stack_parameters_are_named_like_their_resources() -> None:
    renamed = {
        "Service": {"Ref": "AWS::StackName"},
        "DeadLetterQueue": {"Fn::GetAtt": ["ReportDeadLetters", "QueueName"]},
        **{table: {"Fn::Sub": f"${{{table}}}${{RestoredSuffix}}"} for table in ("AgentsTable", "SessionsTable")},
        "LifecycleFunction": {"Fn::If": ["PublishEvents", {"Ref": "LifecycleFunction"}, ""]},
        "LifecycleQueue": {"Fn::If": ["PublishEvents", {"Fn::GetAtt": ["LifecycleDeadLetters", "QueueName"]}, ""]},
    }

    assert {name: renamed.get(name, {"Ref": name}) for name in STACK_PARAMETERS} == STACK_PARAMETERS


def test_routes_are_drawn_only_with_route_metrics() -> None:
    measured = RESOURCES["ApiStage"]["Properties"]["DefaultRouteSettings"]["DetailedMetricsEnabled"]

    assert measured == STACK_PARAMETERS["RouteMetrics"]
    assert [each for each in on_the_dashboard(RouteMetrics="true") if isinstance(each, Search)]
    assert not [each for each in on_the_dashboard(RouteMetrics="false") if isinstance(each, Search)]
    assert len(widgets(RouteMetrics="false")) == len(widgets(RouteMetrics="true"))


def test_every_expression_evaluates_with_the_lines_of_its_widget() -> None:
    series = {0: 1.0, 60: 2.0}
    for widget in widgets():
        named = {line.name: series for line in widget.lines if isinstance(line.source, Metric)}
        made: dict[str, dict[int, float]] = {}
        for line in widget.lines:
            if isinstance(line.source, str):
                made[line.name] = evaluate(line.source, named, (0, 60), made)
                assert made[line.name], line


def test_report_age_starts_with_the_first_report() -> None:
    (widget,) = [widget for widget in widgets() if widget.title == "Report age in minutes"]
    reports = {"reports": {120: 1.0, 360: 2.0}}
    made: dict[str, dict[int, float]] = {}
    for line in widget.lines:
        if isinstance(line.source, str):
            made[line.name] = evaluate(line.source, reports, range(0, 600, 60), made)

    assert made["age"] == {120: 0, 180: 1, 240: 2, 300: 3, 360: 0, 420: 1, 480: 2, 540: 3}


def test_gauges_are_not_summed() -> None:
    gauges = {"ActiveSessions", "ActiveAgents"}
    for widget in widgets():
        for line in widget.lines:
            if isinstance(line.source, Metric) and line.source.namespace == OWN:
                assert line.stat in ({"Maximum", "SampleCount"} if line.source.name in gauges else {"Sum"}), line


def test_widget_titles_are_unique() -> None:
    titles = [widget.title for widget in widgets()]

    assert len(set(titles)) == len(titles)


def test_dashboard_has_at_most_50_metrics() -> None:
    assert len(set(on_the_dashboard())) <= 50


def test_every_alarm_is_on_the_dashboard() -> None:
    (widget,) = [widget for widget in widgets() if widget.kind == "alarm"]

    assert {arn.rpartition(":")[2] for arn in widget.alarms} == {each["AlarmName"] for each in alarms().values()}


def fields_of(query: str) -> set[str]:
    """Return the names in a query that neither the query defines nor the language has."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", query)
    own = set(re.findall(r" as (\w+)", bare))
    words = set(re.findall(r"(?<![@\w])[a-z_]\w*(?!\w*\()", bare))
    return words - own - {"filter", "fields", "stats", "sort", "by", "as", "and", "like", "desc"}


def written_by_the_gateway() -> set[str]:
    return set(re.findall(r'"(\w+)":', access_log_format()))


def test_queries_of_the_access_log_use_its_fields() -> None:
    saved = [
        each["QueryString"]
        for each in resources("AWS::Logs::QueryDefinition").values()
        if each["LogGroupNames"] == ["ApiLogs"]
    ]
    drawn = [each.properties["query"] for each in widgets(RouteMetrics="false") if each.kind == "log"]

    assert len(saved) == len(drawn) == 2
    for query in saved + [query.removeprefix("SOURCE ") for query in drawn]:
        assert fields_of(query)
        assert fields_of(query) <= written_by_the_gateway(), query


def test_query_of_the_function_logs_uses_their_fields(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.sign_in()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if '"message":"request"' in line]
    query = resources("AWS::Logs::QueryDefinition")["AgentTimeline"]["QueryString"]

    assert fields_of(query) == {each for each in yaml.safe_load(line) if each in fields_of(query)}


def test_overlapping_reports_change_no_gauge(
    api: Api,
    load_function: Callable[[str], ModuleType],
    frozen: FrozenClock,
    dynamodb: object,
    botocore_session: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("one", "two", "two"):
        api.sign_in(name)
    runs = [load_function("activity_report") for _ in range(2)]
    both = threading.Barrier(2, timeout=HANG_SECONDS)
    for run in runs:
        put = run.report._put
        monkeypatch.setattr(run.report, "_put", lambda active, put=put: (both.wait(), put(active)))

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda run: run.handler(load_event("activity_report"), Context()), runs))

    assert results == [{"active_sessions": 3, "active_agents": 2}] * 2
    cloudwatch: CloudWatchClient = botocore_session.create_client("cloudwatch")
    for widget in widgets():
        for line in widget.lines:
            if isinstance(line.source, Metric) and line.source.name.startswith("Active") and line.stat == "Maximum":
                (point,) = cloudwatch.get_metric_statistics(
                    Namespace=line.source.namespace,
                    MetricName=line.source.name,
                    Dimensions=[{"Name": "service", "Value": SERVICE}],
                    StartTime=datetime.fromtimestamp(frozen.time - 300, UTC),
                    EndTime=datetime.fromtimestamp(frozen.time + 300, UTC),
                    Period=600,
                    Statistics=["Maximum", "SampleCount"],
                )["Datapoints"]
                assert point["SampleCount"] == 2
                assert point["Maximum"] == {"ActiveSessions": 3, "ActiveAgents": 2}[line.source.name]
