"""What happens as sessions and requests become many, as sections of docs/performance.md."""

from collections.abc import Iterator

from benchmarks import results as of
from benchmarks.costs.bill import MEMORY_OF_ONE_CPU
from benchmarks.costs.prices import MILLION, READ_UNIT
from benchmarks.costs.workload import Deployment
from benchmarks.documents import markdown
from benchmarks.goals import MB
from benchmarks.measurements.growth import SEGMENTS
from benchmarks.results import Results
from benchmarks.samples import Spread, ratio
from tools.cloudformation import PARAMETERS


def growth(results: Results) -> Iterator[str]:
    """What happens as sessions become many."""
    yield "## Growth"
    yield "![Validation and report by number of sessions](performance/growth.svg)"
    rows = []
    for entry in results["growth"]:
        report = entry["report"]
        rows.append(
            [
                f"{entry['sessions']:,}",
                markdown.milliseconds(Spread.of(entry["large"]["wall"]), 2)[1],
                markdown.ratio(of.growth_ratio(entry)),
                markdown.ratio(ratio(entry["large"]["cpu"], entry["small"]["cpu"])),
                "yes" if report["exact"] else "**no**",
                f"{report['calls']:,}",
                f"{report['most_calls']:,}",
                f"{report['read_units']:,.0f}",
                f"{report['cpu']:.2f}",
                f"{report['peak'] / MB:.0f}",
            ]
        )
    yield markdown.table(
        [
            "sessions",
            "validation, wall ms",
            "÷ among 100, wall",
            "÷ among 100, CPU",
            "report exact",
            "its calls",
            "at most",
            "read units",
            "CPU s",
            "peak MB",
        ],
        rows,
        right=1,
    )
    last = results["growth"][-1]
    report = last["report"]
    each = report["bytes"] / last["sessions"]
    scaled = MILLION * each / report["bytes"]
    seconds = report["cpu"] * scaled * MEMORY_OF_ONE_CPU / Deployment().memory
    units = report["read_units"] * scaled
    runs = 30 * 24 * 60 / Deployment().report_minutes
    yield (
        f"A session has {each:.0f} bytes. The report reads in {SEGMENTS} segments at the same time (`ReportSegments`, "
        f"by default {PARAMETERS['ReportSegments']['Default']}) and holds a page of each, so its memory grows until "
        "each segment fills a page, and not beyond. A million sessions take "
        f"{units:,.0f} read units, ${READ_UNIT.of(units):.4f} a run and ${READ_UNIT.of(units) * runs:.0f} a month at a "
        f"run every {Deployment().report_minutes} minutes; at {Deployment().memory} MB its CPU alone takes "
        f"{seconds:.0f} s. DynamoDB Local's own time says nothing of AWS: for each page it reads all the rest of a "
        "segment."
    )


def memory(results: Results) -> Iterator[str]:
    """What a warm function holds."""
    told = results["memory"]
    held = told["held"]
    first, last = next(look for look in held if look["requests"] == 1), held[-1]
    steady = next(look["requests"] for look in held if look["peak"] >= 0.99 * last["peak"])
    settled = next(look for look in held if look["requests"] >= min(1000, last["requests"]))
    yield "## Memory"
    yield "![Memory and CPU by number of requests](performance/memory.svg)"
    usual = Spread.of(told["cpu"][len(told["cpu"]) // 2 :]).median
    after = next(
        number
        for number in range(1, len(told["cpu"]) + 1)
        if Spread.of(told["cpu"][number - 1 : number + 4]).median <= 1.25 * usual
    )
    yield (
        f"A warm sessions function holds {last['peak'] / MB:.1f} MB at most (peak resident set): "
        f"{held[0]['peak'] / MB:.1f} MB once it has started, {first['peak'] / MB:.1f} MB after its first request; "
        f"from request {steady:,} on it stays within 1 % of the peak. Over {told['requests']:,} validations the peak "
        f"grew by {(last['peak'] - settled['peak']) / 1024:,.0f} KB after request {settled['requests']:,}, and the "
        "blocks that "
        f"Python holds by {last['blocks'] - settled['blocks']:,} of {last['blocks']:,}. Requests take their usual CPU "
        f"from number {after} on; the first takes {1000 * told['cpu'][0]:.0f} ms, where others take "
        f"{1000 * usual:.1f} ms."
    )
