"""What the plots show: figures from the results, ready to be drawn where nothing but matplotlib is installed."""

from typing import Any

from benchmarks import results as of
from benchmarks.costs.bill import Bill
from benchmarks.costs.capacity import break_even_peak, even_load_break_even, on_demand, provisioned
from benchmarks.costs.workload import SECONDS_A_MONTH, Deployment, Workload, requests
from benchmarks.goals import MB
from benchmarks.measurements.start import STEPS
from benchmarks.results import Results
from benchmarks.samples import Spread

AGENTS = [round(10 ** (exponent / 10)) for exponent in range(10, 41)]
PEAKS = (1, 3)

type Bars = list[list[float]]


def figures(results: Results) -> dict[str, Any]:
    """Return the figures of each plot, by its name; times in milliseconds, memory in MB."""
    return {
        "start": {
            "steps": list(STEPS),
            "milliseconds": [_spread(results["start"][step]) for step in STEPS],
            "bare": {
                name: 1000 * of.start(results, name).median for name in ("bare client", "bare client and get_item")
            },
        },
        "warm": _warm(results),
        "growth": _growth(results),
        "memory": {
            "requests": [look["requests"] for look in results["memory"]["held"]],
            "peak": [look["peak"] / MB for look in results["memory"]["held"]],
            "cpu": [1000 * seconds for seconds in results["memory"]["cpu"]],
        },
        "peers": {
            store: {verb: _spread(one["cpu"]) for verb, one in told.items()} for store, told in results["peers"].items()
        },
        "costs": _costs(results),
    }


def _spread(seconds: list[float]) -> list[float]:
    """Return minimum, median and maximum, in milliseconds."""
    spread = Spread.of(seconds)
    return [1000 * each for each in (spread.low, spread.median, spread.high)]


def _warm(results: Results) -> dict[str, Any]:
    operations = results["warm"]["operations"]
    names = [name for name in operations if not name.startswith("bare: ")]
    bare = [operations.get(f"bare: {name}") for name in names]
    return {
        "operations": names,
        "cpu": [_spread(operations[name]["cpu"]) for name in names],
        "wall": [_spread(operations[name]["wall"]) for name in names],
        "bare cpu": [_spread(each["cpu"]) if each else None for each in bare],
        "bare wall": [_spread(each["wall"]) if each else None for each in bare],
    }


def _growth(results: Results) -> dict[str, Any]:
    entries = results["growth"]
    ratios = [of.growth_ratio(entry) for entry in entries]
    return {
        "sessions": [entry["sessions"] for entry in entries],
        "ratio": [[each.low, each.median, each.high] for each in ratios],
        "calls": [entry["report"]["calls"] for entry in entries],
        "most_calls": [entry["report"]["most_calls"] for entry in entries],
        "peak": [entry["report"]["peak"] / MB for entry in entries],
    }


def _costs(results: Results) -> dict[str, Any]:
    measured = of.measured(results)
    fleets = [Workload(agents=agents) for agents in AGENTS]
    return {
        "agents": AGENTS,
        "rate": sum(requests(Workload(agents=1), Deployment()).values()) / SECONDS_A_MONTH,
        "all": [Bill.of(fleet, Deployment(), measured).total for fleet in fleets],
        "on demand": [on_demand(fleet, measured) for fleet in fleets],
        "provisioned": {str(peak): [provisioned(fleet, measured, peak) for fleet in fleets] for peak in PEAKS},
        "break_even_agents": even_load_break_even(measured),
        "break_even_peak": break_even_peak(),
    }
