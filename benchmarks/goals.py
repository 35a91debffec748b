"""The goals, and whether a run met them."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import results as of
from benchmarks.costs.bill import Request
from benchmarks.costs.prices import MILLION
from benchmarks.costs.workload import Deployment
from benchmarks.measurements.sizes import beyond_boto3
from benchmarks.results import Results
from benchmarks.samples import Spread

MB = 1024**2
# Calls, read units and write units of each operation, as the design has them. The engine charges nothing
# for the Query that finds no agent; AWS half a unit.
BUDGETS = {
    "sign in, known agent": (3, 0.5, 2),
    "sign in, new agent": (3, 0, 3),
    "validate": (1, 1, 0),
    "validate and touch": (2, 1, 1),
    "validate, touch, last seen": (3, 1, 2),
    "sign out": (2, 0, 2),
    "refuse a malformed token": (0, 0, 0),
    "show an agent": (2, 2, 0),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure, what it should be, what it is, and how far it spread."""

    figure: str
    limit: str
    value: str
    noise: str
    met: bool


def goals(results: Results) -> Iterator[Goal]:
    """Hold a run against each goal."""
    yield _ratio(
        "start of the sessions function ÷ a bare client", 1.05, of.start_ratio(results, "function", "bare client")
    )
    yield _ratio(
        "start and first validation ÷ a bare client and one `get_item`",
        1.1,
        of.start_ratio(results, "first request", "bare client and get_item"),
    )
    yield _ratio("warm validation ÷ a bare `get_item`", 1.25, of.warm_ratio(results, "validate"))
    yield _ratio("warm sign-in ÷ its three bare calls", 1.35, of.warm_ratio(results, "sign in, known agent"))
    yield _budgets(results)
    largest = results["growth"][-1]
    yield _ratio(
        f"validation among {largest['sessions']:,} sessions ÷ among 100, latency", 1.1, of.growth_ratio(largest)
    )
    yield _exact(results)
    yield _flat(results)
    beyond = beyond_boto3(results["sizes"]) / MB
    yield Goal("layer and functions beyond boto3, unzipped", "≤ 15 MB", f"{beyond:.1f} MB", "exact", beyond <= 15)
    yield _price(results, "validate", "validations", 1.50)
    yield _price(results, "sign in, known agent", "sign-ins", 2.70)


def _ratio(figure: str, limit: float, spread: Spread) -> Goal:
    noise = f"{spread.low:.2f} to {spread.high:.2f}"
    return Goal(figure, f"≤ {limit}", f"{spread.median:.2f}", noise, spread.median <= limit)


def _budgets(results: Results) -> Goal:
    operations = results["warm"]["operations"]
    other = [
        name
        for name, budget in BUDGETS.items()
        if (operations[name]["calls"], operations[name]["read_units"], operations[name]["write_units"]) != budget
    ]
    value = f"another for {', '.join(other)}" if other else "as designed"
    return Goal("DynamoDB calls and capacity of each operation", "the design's table", value, "exact", not other)


def _exact(results: Results) -> Goal:
    report = results["growth"][-1]["report"]
    value = f"{'exact' if report['exact'] else 'wrong'}, {report['calls']:,} calls"
    return Goal(
        f"report over {results['growth'][-1]['sessions']:,} sessions",
        f"exact, ≤ {report['most_calls']:,} calls (⌈bytes / 1 MB⌉ + segments)",
        value,
        "exact",
        report["exact"] and report["calls"] <= report["most_calls"],
    )


def _flat(results: Results) -> Goal:
    """Compare the last size with the one before: in both a segment fills a page, if the run was a full one."""
    before, last = (entry["report"]["peak"] / MB for entry in results["growth"][-2:])
    return Goal(
        "peak memory of the report, the last size ÷ the one before",
        "flat: ≤ 1.1",
        f"{last / before:.2f}",
        f"{before:.0f} and {last:.0f} MB",
        last / before <= 1.1,
    )


def _price(results: Results, operation: str, what: str, limit: float) -> Goal:
    request: Request = of.measured(results).operations[operation]
    dollars = MILLION * sum(request.dollars(Deployment()).values())
    return Goal(
        f"computed price of a million {what}", f"≤ ${limit:.2f}", f"${dollars:.2f}", "computed", dollars <= limit
    )
