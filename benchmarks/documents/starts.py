"""What a cold start takes, as a section of docs/performance.md."""

from collections.abc import Iterator

from benchmarks import results as of
from benchmarks.documents import markdown
from benchmarks.measurements.start import BARE, STEPS
from benchmarks.results import Results


def starts(results: Results) -> Iterator[str]:
    """What a cold start takes."""
    yield "## Start"
    yield "![CPU of a start by step](performance/start.svg)"
    names = {
        "Python": "the interpreter",
        "botocore": "… and botocore",
        "package": "… and the package",
        "client": "… and its DynamoDB client",
        "Powertools": "… and Powertools: resolver, logger, metrics",
        "function": "**the sessions function, ready to answer**",
        "first request": "**… and its first validation answered**",
        "bare client": "a bare client",
        "bare client and get_item": "a bare client and one `get_item`",
    }
    yield markdown.table(
        ["CPU of a fresh process, ms", "min", "median", "max"],
        [[names[case], *markdown.milliseconds(of.start(results, case), 0)] for case in STEPS | BARE],
        right=1,
    )
    packages = results["imports"]["packages"]
    yield (
        "Of one start under `python -X importtime`, by package (`python -m benchmarks.measurements.imports` prints it "
        "by module):"
    )
    yield markdown.table(
        ["imports", "ms"],
        [
            [f"`{name}`" if name != "Python" else "Python's own", f"{1000 * seconds:.1f}"]
            for name, seconds in packages.items()
            if seconds >= 0.001
        ],
        right=1,
    )
