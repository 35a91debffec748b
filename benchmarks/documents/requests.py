"""What warm requests take, as a section of docs/performance.md."""

from collections.abc import Iterator

from benchmarks import results as of
from benchmarks.documents import markdown
from benchmarks.results import Results
from benchmarks.samples import Spread


def warm(results: Results) -> Iterator[str]:
    """What each operation takes."""
    yield "## Warm requests"
    yield "![CPU and latency of a warm request by operation](performance/warm.svg)"
    rows = []
    for name, told in results["warm"]["operations"].items():
        if name.startswith("bare: "):
            continue
        compared = (
            markdown.ratio(of.warm_ratio(results, name)) if f"bare: {name}" in results["warm"]["operations"] else ""
        )
        rows.append(
            [
                name,
                told["calls"],
                f"{told['read_units']:g} + {told['write_units']:g}",
                *markdown.milliseconds(Spread.of(told["cpu"]), 2),
                compared,
                markdown.milliseconds(Spread.of(told["wall"]), 2)[1],
            ]
        )
    yield markdown.table(
        ["operation", "calls", "read + write units", "CPU ms, min", "median", "max", "÷ its bare calls", "wall ms"],
        rows,
        right=1,
    )
    yield (
        "A request goes through the handler, from the gateway's event to the answer, with its log line and its "
        "metrics. Its bare calls are the same calls, with the same parameters, made by a bare client; where they would "
        "not do the same twice, there is no ratio. The engine charges nothing for the Query that finds no agent, AWS "
        "half a unit."
    )


def profile(results: Results) -> Iterator[str]:
    """Whose code a validation runs."""
    ours, bare = results["warm"]["profile"]["validate"], results["warm"]["profile"]["bare get_item"]
    yield "### Whose code it is"
    yield (
        "Of a warm validation and of a bare `get_item`, under a profiler, which makes all of it slower, small "
        "functions most: the shares matter, not the sums."
    )
    yield markdown.table(
        ["code of", "validation, ms", "bare `get_item`, ms"],
        [
            *[[name, f"{1000 * seconds:.2f}", f"{1000 * bare.get(name, 0):.2f}"] for name, seconds in ours.items()],
            ["all", f"{1000 * sum(ours.values()):.2f}", f"{1000 * sum(bare.values()):.2f}"],
        ],
        right=1,
    )
