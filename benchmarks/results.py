"""The results of a run: kept as JSON beside the documents that are made of them."""

import json
import statistics
from pathlib import Path
from typing import Any

from agent_sessions.metrics import Metric
from benchmarks.costs.bill import Measured, Request
from benchmarks.samples import Spread, ratio
from tools.cloudformation import MONITORING, resources

DIGITS = 5

type Results = dict[str, Any]


def save(results: Results, path: Path) -> None:
    """Write them, with as many digits as mean something."""
    path.write_text(json.dumps(_rounded(results), indent=1) + "\n")


def load(path: Path) -> Results:
    """Read them."""
    results: Results = json.loads(path.read_text())
    return results


def start(results: Results, case: str) -> Spread:
    """Return the CPU seconds of a fresh process."""
    return Spread.of(results["start"][case])


def start_ratio(results: Results, case: str, base: str) -> Spread:
    """Return a fresh process over another."""
    return ratio(results["start"][case], results["start"][base])


def operation(results: Results, name: str) -> dict[str, Any]:
    """Return what was measured of a warm operation."""
    found: dict[str, Any] = results["warm"]["operations"][name]
    return found


def warm_ratio(results: Results, name: str) -> Spread:
    """Return the CPU of a warm operation over that of its bare calls."""
    return ratio(operation(results, name)["cpu"], operation(results, f"bare: {name}")["cpu"])


def growth_ratio(entry: dict[str, Any]) -> Spread:
    """Return the latency of a validation in a table of some size over that in the small table."""
    return ratio(entry["large"]["wall"], entry["small"]["wall"])


def measured(results: Results) -> Measured:
    """Return what has a price; of what is in the template, template.yaml tells."""
    report, largest = results["growth"][-1]["report"], results["growth"][-1]
    return Measured(
        operations={
            name: _request(each)
            for name, each in results["warm"]["operations"].items()
            if not name.startswith("bare: ")
        },
        start=start(results, "function").median,
        session_bytes=report["bytes"] / largest["sessions"],
        page_cpu=report["cpu"] / report["calls"],
        alarmed=sum(map(_watched, resources("AWS::CloudWatch::Alarm", MONITORING).values())),
        dashboards=len(resources("AWS::CloudWatch::Dashboard", MONITORING)),
        routes=len(resources("AWS::ApiGatewayV2::Route")),
        metrics=len(Metric) + 2,  # and the two of the report
    )


def _watched(alarm: dict[str, Any]) -> int:
    """Return the number of metrics that an alarm watches, by which it is charged."""
    return sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1


def _request(told: dict[str, Any]) -> Request:
    cpu = statistics.median(told["cpu"])
    return Request(
        cpu=cpu,
        wait=max(0.0, statistics.median(told["wall"]) - cpu),
        read_units=told["read_units"],
        write_units=told["write_units"],
        log_bytes=told["log_bytes"],
        metric_bytes=told["metric_bytes"],
        log_lines=told["log_lines"],
        body_bytes=told["body_bytes"],
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
