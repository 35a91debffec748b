"""docs/metrics.md agrees with the code and the template, and its sums are right."""

import re

from agent_sessions.metrics import Metric
from agent_sessions.services import activity_report
from tools import ROOT
from tools.cloudformation import resources
from tools.dashboard.body import Metric as Shown
from tools.monitoring import alarms, on_the_dashboard, watched, widgets

DOCUMENT = (ROOT / "docs/metrics.md").read_text()
METRICS_OF_A_ROUTE = 6  # 4xx, 5xx, Count, IntegrationLatency, Latency, DataProcessed: tests/data/aws_metrics.yaml


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its first two lines."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_document_lists_every_own_metric() -> None:
    listed = {name.strip("`"): (unit, dimensions) for name, unit, dimensions, *_ in rows("Service metrics")}

    assert list(listed) == [*Metric, activity_report.ACTIVE_SESSIONS, activity_report.ACTIVE_AGENTS]
    assert set(listed.values()) == {("Count", "service")}


def test_every_own_metric_has_a_cause_and_an_action() -> None:
    assert all(when and len(do) > 10 for *_, when, do in rows("Service metrics"))


def test_links_lead_to_runbook_sections() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()
    sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", runbook, re.MULTILINE)}

    assert set(re.findall(r"runbook\.md#(\w+)", DOCUMENT)) <= sections
    assert set(re.findall(r"\(#(\w+)\)", runbook)) <= sections


def test_document_lists_every_shown_aws_metric() -> None:
    listed = {
        (namespace, name, dimension)
        for metrics, dimensions, _ in rows("AWS metrics")
        for namespace, *names in [re.findall(r"`([^`]+)`", metrics)]
        for name in names
        for dimension in re.findall(r"[A-Z]\w+", dimensions)
    }
    shown = {
        (each.namespace, each.name, dimension[0] if isinstance(each, Shown) else dimension)
        for each in on_the_dashboard(RouteMetrics="true")
        if each.namespace.startswith("AWS/")
        for dimension in each.dimensions
    }

    assert listed == shown


def test_document_uses_widget_titles() -> None:
    titles = {widget.title for widget in widgets()}
    listed = {title for *_, cell in rows("AWS metrics") for title in cell.split("; ")}

    assert listed - {"p50 and p99 of each route, ms"} <= titles


def test_metric_counts_equal_template() -> None:
    routes = len(resources("AWS::ApiGatewayV2::Route"))
    counts = [int(count.replace(",", "")) for _, count, *_ in rows("Cost")]

    assert counts == [
        len(rows("Service metrics")),
        METRICS_OF_A_ROUTE * routes,
        sum(len(watched(alarm)) for alarm in alarms().values()),
        1,
        30 * 24 * 60 // 5,
    ]


def test_prices_add_up() -> None:
    for what, count, each, month in rows("Cost"):
        price, _, per = each.removeprefix("$").partition(" per ")
        expected = int(count.replace(",", "")) * float(price) / int(per.replace(",", "") or 1)
        assert month == f"${expected:.2f}", what
