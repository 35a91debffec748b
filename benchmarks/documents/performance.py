"""docs/performance.md, from the results of a run."""

import statistics

from agent_sessions.deadline import TIME_LIMIT_SECONDS
from benchmarks import MB, Results
from benchmarks.costs.bill import MEMORY_OF_ONE_CPU, lambda_dollars, request_bill
from benchmarks.costs.prices import MILLION, dollars
from benchmarks.costs.workload import DEFAULTS
from benchmarks.documents.markdown import render
from benchmarks.measurements.growth import SEGMENTS
from benchmarks.measurements.partition import CALL_SECONDS
from benchmarks.measurements.sizes import BOTO3, LIMIT, beyond_boto3
from benchmarks.samples import ratio


def document(results: Results) -> str:
    """Return the whole document."""
    operations, stores = results["warm"]["operations"], results["peers"]["stores"]
    validations = {name: each["validate"]["cpu"] for name, each in stores.items() if "validate" in each}
    routes = [route for state in results["partition"].values() for size in state for route in size["routes"].values()]
    return render(
        "performance.md.j2",
        **results,
        best_store=min(validations.keys() - {"agent-sessions"}, key=lambda name: statistics.median(validations[name])),
        slowest=max(route["seconds"] for route in routes),
        MB=MB,
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
        call_seconds=CALL_SECONDS,
        time_limit=TIME_LIMIT_SECONDS,
    )
