"""The benchmark's arithmetic, and the documents and plots that are generated from its results."""

import copy
import hashlib
import math
import re
from typing import Any

import pytest

from benchmarks import Results
from benchmarks.__main__ import DOCS, DOCUMENTS, load
from benchmarks.costs.bill import access_log_bytes, billed_seconds, monthly_bill, request_bill
from benchmarks.costs.capacity import break_even_agents, break_even_peak, on_demand, provisioned
from benchmarks.costs.prices import MILLION, PRICES, Price, dollars
from benchmarks.costs.workload import DEFAULTS, Workload, counts
from benchmarks.documents import performance
from benchmarks.documents.costs import plot_input
from benchmarks.samples import Spread, interleaved, interleaved_times, ratio
from tools import ROOT
from tools.openapi.routes import BY_NAME


@pytest.fixture
def results() -> Results:
    """The results of the last full run."""
    return load(DOCS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_is_up_to_date(name: str, results: Results) -> None:
    assert (DOCS / name).read_text() == DOCUMENTS[name](results), "run: python -m benchmarks --documents"


def test_documents_show_every_plot() -> None:
    shown = {plot for name in DOCUMENTS for plot in re.findall(r"!\[[^]]+\]\(([^)]+)\)", (DOCS / name).read_text())}

    assert shown == {f"performance/{path.name}" for path in (DOCS / "performance").glob("*.svg")}


def test_plots_are_up_to_date(results: Results) -> None:
    code = (ROOT / "benchmarks/documents/plots.py").read_bytes()
    source = hashlib.sha256(plot_input(results).encode() + code).hexdigest()
    stale = [path.name for path in (DOCS / "performance").glob("*.svg") if source not in path.read_text()]

    assert not stale, "run: python -m benchmarks --documents"


def test_growth_with_the_sessions_of_an_agent_covers_every_route(results: Results) -> None:
    measured = {re.split(r"[?(]", name)[0].strip() for name in results["partition"]["live"][0]["routes"]}

    assert measured == {route.key for route in BY_NAME.values() if re.search(" /(sessions|agents)", route.key)}


def test_ratio_compares_within_each_round() -> None:
    # The machine was ten times as slow in the second round.
    assert ratio([3.0, 30.0, 3.3], [2.0, 20.0, 2.0]) == Spread(1.5, 1.5, 3.3 / 2.0)


def test_rounds_alternate_and_the_first_is_discarded() -> None:
    taken: list[str] = []

    def take(name: str) -> int:
        taken.append(name)
        return len(taken)

    assert interleaved(2, {"ours": lambda: take("ours"), "bare": lambda: take("bare")}) == {
        "ours": [3, 5],
        "bare": [4, 6],
    }


def test_interleaved_times_separate_cpu_and_wall() -> None:
    discarded, *kept = (0.0, 0.0), (1.0, 2.0), (3.0, 4.0)
    taken = iter([discarded, *kept])

    assert interleaved_times(2, {"ours": lambda: next(taken)}) == {"ours": {"cpu": [1.0, 3.0], "wall": [2.0, 4.0]}}


@pytest.mark.parametrize("price", PRICES.values(), ids=lambda price: price.unit)
def test_price_has_a_source_and_an_endless_last_tier(price: Price) -> None:
    assert price.source
    assert re.fullmatch(r"\d{4}(-\d\d)?|undated", price.date)
    assert price.tiers[-1][0] == math.inf


def test_each_tier_is_charged_for_the_units_in_it() -> None:
    assert dollars("api_request", 301 * MILLION) == pytest.approx(300 + 0.90)
    assert dollars("log_gb", 60_000) == pytest.approx(12_500)


def test_unknown_price_raises_key_error() -> None:
    with pytest.raises(KeyError):
        dollars("free_lunch", 1)


def test_lambda_bills_whole_milliseconds_of_a_share_of_a_processor() -> None:
    assert billed_seconds(0.002, 0.001, 1769) == 0.003
    assert billed_seconds(0.002, 0.001, 512) == math.ceil(2 * 1769 / 512 + 1) / 1000


def test_agent_touches_every_minute_and_is_updated_every_5_minutes() -> None:
    hours = 30.0
    requests = counts(Workload(agents=1, active_hours=1, validations_an_hour=600), DEFAULTS)

    assert requests["validate"] == hours * (600 - 60)
    assert requests["validate and touch"] == hours * (60 - 12)
    assert requests["validate, touch, update agent"] == hours * 12
    assert requests["validate from cache"] == 0


def test_agent_that_validates_rarely_touches_each_time() -> None:
    requests = counts(Workload(agents=1, active_hours=1, validations_an_hour=6), DEFAULTS)

    assert (requests["validate"], requests["validate and touch"]) == (0, 0)
    assert requests["validate, touch, update agent"] == 30 * 6


def test_bill_without_agents_has_only_fixed_lines(results: Results) -> None:
    bill = monthly_bill(Workload(agents=0), DEFAULTS, results)

    assert {line for line, amount in bill.items() if amount} == {
        "Lambda: requests",
        "CloudWatch: metrics of the service",
        "CloudWatch: alarms",
        "CloudWatch: dashboards",
        "EventBridge Scheduler",
    }


def test_100_agents_cost_at_most_15_dollars(results: Results) -> None:
    assert sum(monthly_bill(Workload(agents=100), DEFAULTS, results).values()) <= 15


@pytest.mark.parametrize(
    ("options", "metrics"), [({}, 28), ({"GradualDeployment": "true"}, 30), ({"LifecycleEvents": "true"}, 30)]
)
def test_bill_counts_every_metric_that_an_alarm_watches(
    results: Results, options: dict[str, str], metrics: int
) -> None:
    bill = monthly_bill(Workload(agents=0), {**DEFAULTS, **options}, results)

    assert bill["CloudWatch: alarms"] == pytest.approx(0.10 * metrics)
    assert bill["CloudWatch: dashboards"] == 3.00


def test_bill_of_a_million_validations_is_the_price_of_a_million(results: Results) -> None:
    million = Workload(
        agents=1, active_hours=1, validations_an_hour=MILLION / 30, sign_ins_a_day=0, lookups_a_day=0, cold_starts=0
    )
    no_touches = {**DEFAULTS, "TouchIntervalSeconds": 10**9, "LastSeenIntervalSeconds": 10**9}
    bill = monthly_bill(million, no_touches, results)
    price = request_bill(results["warm"]["operations"]["validate"], MILLION, DEFAULTS)

    assert bill["API Gateway: requests"] == pytest.approx(price["API Gateway"])
    assert bill["DynamoDB: reads"] == pytest.approx(price["DynamoDB"])
    lambda_requests = dollars("lambda_request", MILLION)
    assert bill["Lambda: duration of requests"] == pytest.approx(price["Lambda"] - lambda_requests)


@pytest.mark.parametrize(
    ("parameter", "on", "off", "line"),
    [
        ("Tracing", "Active", "PassThrough", "X-Ray: traces"),
        ("RouteMetrics", "true", "false", "CloudWatch: metrics of the routes"),
        ("LogRetentionDays", 1, 0, "CloudWatch: logs kept"),
        ("LifecycleEvents", "true", "false", "EventBridge: lifecycle events"),
        ("LifecycleEvents", "true", "false", "Lambda: lifecycle events"),
        ("LifecycleEvents", "true", "false", "DynamoDB: deletions for lifecycle events"),
    ],
)
def test_parameter_has_its_line_in_the_bill(
    results: Results, parameter: str, on: object, off: object, line: str
) -> None:
    assert monthly_bill(Workload(agents=1), {**DEFAULTS, parameter: on}, results)[line] > 0
    assert monthly_bill(Workload(agents=1), {**DEFAULTS, parameter: off}, results)[line] == 0


def test_access_log_line_is_costed_with_the_values_of_a_validation() -> None:
    line = (
        '{"request_id":"JKJaXmPLvHcESHA=","source_ip":"203.0.113.17","route":"GET /sessions/current","status":"200",'
        '"latency_ms":"12","integration_error":"-","caller":"-","authorizer_error":"-"}'
    )

    assert access_log_bytes() == len(line)


def test_provisioned_capacity_costs_the_same_at_the_break_even(results: Results) -> None:
    fleet = Workload(agents=MILLION)
    assert provisioned(fleet, results, break_even_peak()) == pytest.approx(on_demand(fleet, results), rel=0.001)

    agents = break_even_agents(results)
    assert provisioned(Workload(agents), results, 1) <= on_demand(Workload(agents), results)
    assert provisioned(Workload(agents - 10), results, 1) > on_demand(Workload(agents - 10), results)


@pytest.mark.parametrize(
    ("path", "value", "figure"),
    [
        (("start", "function ready"), [9.0], "start of the sessions function"),
        (("start", "first validation"), [9.0], "start and first validation"),
        (("start", "authorizer ready"), [9.0], "start of the authorizer"),
        (("warm", "compared", "handler", "cpu"), [9.0], "warm validation through the handler"),
        (("warm", "compared", "in process", "cpu"), [9.0], "warm validation in process"),
        (("warm", "compared", "authorizer", "cpu"), [9.0], "warm authorizer"),
        (("peers", "stores", "agent-sessions", "validate", "cpu"), [9.0], "validation ÷ that of"),
        (("memory", "samples", -1, "peak"), 2**30, "peak memory of a warm sessions function"),
        (("warm", "operations", "sign in, known agent", "cpu"), [9.0], "warm sign-in"),
        (("sizes", "pydantic"), 2**30, "layer and functions"),
        (("growth", -1, "report", "exact"), False, "activity report over"),
        (("growth", -1, "report", "calls"), 10**6, "Scan calls of this report"),
        (("growth", -1, "report", "peak"), 2**30, "peak memory of the report"),
        (("growth", -1, "large", "wall"), [9.0], "latency of a validation"),
        (("warm", "operations", "validate", "read_units"), 3, "computed price of a million validations"),
        (("warm", "operations", "sign in, known agent", "write_units"), 4, "computed price of a million sign-ins"),
    ],
)
def test_document_marks_a_missed_goal(
    results: Results, path: tuple[str | int, ...], value: object, figure: str
) -> None:
    changed = copy.deepcopy(results)
    *folders, last = path
    place: Any = changed
    for folder in folders:
        place = place[folder]
    place[last] = [*value * len(place[last])] if isinstance(value, list) else value

    rows = [line for line in performance.document(changed).splitlines() if line.startswith(f"| {figure}")]

    assert len(rows) == 1
    assert rows[0].endswith("| **missed** |")
    assert f"| {figure}" in performance.document(results)
    assert "**missed**" not in performance.document(results)
