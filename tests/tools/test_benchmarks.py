"""The benchmark's own arithmetic: what it says must follow from what it measured."""

import copy
import math
import re
from typing import Any

import pytest

from benchmarks.__main__ import DOCS, DOCUMENTS, RESULTS
from benchmarks.costs import prices
from benchmarks.costs.bill import Bill, Measured, Request
from benchmarks.costs.capacity import break_even_peak, even_load_break_even, on_demand, provisioned
from benchmarks.costs.workload import Deployment, Workload, requests
from benchmarks.documents.drawing import figures
from benchmarks.goals import goals
from benchmarks.results import Results, load, measured
from benchmarks.samples import Spread, interleaved, ratio
from tests.support.monitoring import alarms, watched
from tools.cloudformation import PARAMETERS

MILLION = prices.MILLION


@pytest.fixture
def results() -> Results:
    """Those of the last full run."""
    return load(DOCS / RESULTS)


@pytest.fixture
def known(results: Results) -> Measured:
    return measured(results)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_what_its_results_the_template_and_the_prices_make(name: str, results: Results) -> None:
    written = (DOCS / name).read_text()

    assert written == DOCUMENTS[name](results), f"docs/{name} is stale: python -m benchmarks --documents"
    for plot in re.findall(r"!\[[^]]+\]\(([^)]+)\)", written):
        assert (DOCS / plot).exists()


def test_every_plot_has_its_figures(results: Results) -> None:
    assert {f"{name}.svg" for name in figures(results)} == {path.name for path in (DOCS / "performance").glob("*.svg")}


def test_a_ratio_compares_within_each_round() -> None:
    # The second round met a machine that was ten times as slow.
    assert ratio([3.0, 30.0, 3.3], [2.0, 20.0, 2.0]) == Spread(1.5, 1.5, 3.3 / 2.0)


def test_rounds_take_turns_and_the_first_does_not_count() -> None:
    taken: list[str] = []

    def take(name: str) -> int:
        taken.append(name)
        return len(taken)

    assert interleaved(2, {"ours": lambda: take("ours"), "bare": lambda: take("bare")}) == {
        "ours": [3, 5],
        "bare": [4, 6],
    }


def test_it_counts_what_alarms_watch_and_the_dashboard_in_the_nested_stack(known: Measured) -> None:
    assert known.alarmed == sum(len(watched(alarm)) for alarm in alarms().values())
    assert known.dashboards == 1


@pytest.mark.parametrize("price", prices.ALL, ids=lambda price: price.unit)
def test_every_price_names_its_source_and_its_last_tier_has_no_end(price: prices.Price) -> None:
    assert price.source
    assert re.fullmatch(r"\d{4}(-\d\d)?|undated", price.date)
    assert price.tiers[-1][0] == math.inf


def test_a_tier_costs_what_is_in_it() -> None:
    assert prices.API_REQUEST.of(301 * MILLION) == pytest.approx(300 + 0.90)
    assert prices.LOG_GB.of(60_000) == pytest.approx(12_500)


def test_lambda_bills_whole_milliseconds_of_a_share_of_a_processor() -> None:
    request = Request(cpu=0.002, wait=0.001)

    assert request.billed_seconds(1769) == 0.003
    assert request.billed_seconds(512) == math.ceil(2 * 1769 / 512 + 1) / 1000


def test_the_deployment_of_a_bill_is_that_of_the_template() -> None:
    usual = Deployment()
    assert {
        "TouchIntervalSeconds": usual.touch_interval,
        "LastSeenIntervalSeconds": usual.last_seen_interval,
        "SessionCacheSeconds": usual.session_cache,
        "ReportMinutes": usual.report_minutes,
        "MemoryMegabytes": usual.memory,
        "Architecture": usual.architecture,
        "LogLevel": usual.log_level,
        "LogRetentionDays": usual.log_days,
    }.items() <= {name: parameter.get("Default") for name, parameter in PARAMETERS.items()}.items()


def test_an_agent_touches_once_a_minute_and_is_seen_once_in_five() -> None:
    hours = 30.0
    counts = requests(Workload(agents=1, active_hours=1, validations_an_hour=600), Deployment())

    assert counts["validate"] == hours * (600 - 60)
    assert counts["validate and touch"] == hours * (60 - 12)
    assert counts["validate, touch, last seen"] == hours * 12
    assert counts["validate from memory"] == 0


def test_an_agent_that_validates_seldom_touches_each_time() -> None:
    counts = requests(Workload(agents=1, active_hours=1, validations_an_hour=6), Deployment())

    assert (counts["validate"], counts["validate and touch"]) == (0, 0)
    assert counts["validate, touch, last seen"] == 30 * 6


def test_nobody_costs_only_what_is_kept_running(known: Measured) -> None:
    bill = Bill.of(Workload(agents=0), Deployment(), known)

    assert {line for line, dollars in bill.lines.items() if dollars} <= {
        "Lambda: requests",
        "Lambda: the report",
        "CloudWatch: metrics of the service",
        "CloudWatch: metrics of the routes",
        "CloudWatch: alarms",
        "CloudWatch: dashboards",
        "EventBridge Scheduler",
    }


def test_the_bill_of_a_million_validations_is_the_price_of_a_million(known: Measured) -> None:
    million = Workload(
        agents=1, active_hours=1, validations_an_hour=MILLION / 30, sign_ins_a_day=0, lookups_a_day=0, cold_starts=0
    )
    bill = Bill.of(million, Deployment(touch_interval=10**9, last_seen_interval=10**9), known)
    one = known.operations["validate"].dollars(Deployment())

    assert bill.lines["API Gateway: requests"] == pytest.approx(MILLION * one["API Gateway"])
    assert bill.lines["DynamoDB: reads"] == pytest.approx(MILLION * one["DynamoDB reads"])
    assert bill.lines["Lambda: duration of requests"] == pytest.approx(MILLION * one["Lambda duration"])


def test_provisioned_capacity_breaks_even_where_it_is_said_to(known: Measured) -> None:
    many = Workload(agents=MILLION)
    assert provisioned(many, known, break_even_peak()) == pytest.approx(on_demand(many, known), rel=0.001)

    at = even_load_break_even(known)
    assert provisioned(Workload(agents=at), known, 1) <= on_demand(Workload(agents=at), known)
    assert provisioned(Workload(agents=at - 10), known, 1) > on_demand(Workload(agents=at - 10), known)


@pytest.mark.parametrize(
    ("path", "value", "figure"),
    [
        (("start", "function"), [9.0], "start of the sessions function"),
        (("warm", "operations", "validate", "cpu"), [9.0], "warm validation"),
        (("warm", "operations", "sign out", "calls"), 3, "DynamoDB calls and capacity"),
        (("sizes", "pydantic"), 2**30, "layer and functions"),
        (("growth", -1, "report", "exact"), False, "report over"),
        (("growth", -1, "report", "peak"), 2**30, "peak memory of the report"),
        (("growth", -1, "large", "wall"), [9.0], "validation among"),
        (("warm", "operations", "sign in, known agent", "write_units"), 3, "computed price of a million sign-ins"),
    ],
)
def test_a_goal_that_was_missed_is_told(
    results: Results, path: tuple[str | int, ...], value: object, figure: str
) -> None:
    changed = copy.deepcopy(results)
    *folders, last = path
    place: Any = changed
    for folder in folders:
        place = place[folder]
    place[last] = [*value * len(place[last])] if isinstance(value, list) else value

    missed = [goal.figure for goal in goals(changed) if not goal.met]

    assert any(each.startswith(figure) for each in missed), missed
