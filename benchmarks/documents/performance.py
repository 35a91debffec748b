"""docs/performance.md, from the results of a run."""

import statistics
from typing import Any

from agent_sessions.deadline import TIME_LIMIT_SECONDS
from benchmarks import MB
from benchmarks.costs.bill import MEMORY_OF_ONE_CPU, lambda_dollars, request_bill
from benchmarks.costs.prices import MILLION, dollars
from benchmarks.costs.workload import DEFAULTS
from benchmarks.documents.markdown import render
from benchmarks.measurements.growth import SEGMENTS
from benchmarks.measurements.partition import CALL_SECONDS
from benchmarks.measurements.sizes import BOTO3, LIMIT, beyond_boto3
from benchmarks.results import Results
from benchmarks.samples import Spread, ratio
from tools.dynamodb.function_time import MEGABYTES, PROCESSOR


def document(results: Results) -> str:
    """Return the whole document."""
    operations = results["warm"]["operations"]
    return render(
        "performance.md.j2",
        **results,
        best_store=best_store(results),
        MB=MB,
        goal=goal,
        at_most=at_most,
        ratio=ratio,
        dollars=dollars,
        price=lambda name: sum(request_bill(operations[name], MILLION, DEFAULTS).values()),
        wait_dollars=lambda_dollars(MILLION / 1000, DEFAULTS),
        defaults=DEFAULTS,
        memory_of_one_cpu=MEMORY_OF_ONE_CPU,
        segments=SEGMENTS,
        boto3=BOTO3,
        beyond_boto3=beyond_boto3(results["sizes"]),
        size_limit=LIMIT,
        function_memory=MEGABYTES,
        function_processor=PROCESSOR,
        call_ms=round(1000 * CALL_SECONDS),
        time_limit=TIME_LIMIT_SECONDS,
    )


def best_store(results: Results) -> str:
    """Return the other session store whose validation takes the least CPU."""
    stores: dict[str, Any] = results["peers"]["stores"]
    others = [name for name, each in stores.items() if name != "agent-sessions" and "validate" in each]
    return min(others, key=lambda name: statistics.median(stores[name]["validate"]["cpu"]))


def goal(limit: str, value: object, spread: str, met: bool) -> str:
    """Return the cells of a goal after its name."""
    return f"{limit} | {value} | {spread} | {'met' if met else '**missed**'}"


def at_most(limit: float, value: Spread) -> str:
    """Return the cells of a ratio that has a limit."""
    return goal(f"≤ {limit}", f"{value.median:.2f}", f"{value.low:.2f} to {value.high:.2f}", value.median <= limit)
