"""docs/performance.md, from the results of a run."""

from collections.abc import Iterator

from benchmarks import results as of
from benchmarks.costs.bill import MEMORY_OF_ONE_CPU
from benchmarks.costs.prices import LAMBDA_GB_SECOND, MILLION
from benchmarks.costs.workload import Deployment
from benchmarks.documents import markdown
from benchmarks.documents.growing import growth, memory
from benchmarks.documents.others import peers
from benchmarks.documents.requests import profile, warm
from benchmarks.documents.starts import starts
from benchmarks.goals import MB, goals
from benchmarks.measurements.sizes import BOTO3, beyond_boto3
from benchmarks.results import Results


def introduction(results: Results) -> Iterator[str]:
    """What this is, and where it was measured."""
    machine = results["machine"]
    software = ", ".join(f"{name} {machine[name]}" for name in ("Python", "boto3", "Powertools", "DynamoDB Local"))
    rounds = len(results["start"]["function"]), len(of.operation(results, "validate")["cpu"])
    yield "# Performance"
    yield (
        f"Written by `make bench` on {results['taken']}, on a machine with {machine['processors']} processors "
        f"({machine['architecture']}, {machine['system']}) and {software}. "
        "What it costs is in [costs.md](costs.md)."
    )
    yield (
        "The layer and the functions are those that `sam build` makes; the database is DynamoDB Local, in memory, on "
        "the same machine. Times are CPU unless they say otherwise. Both sides of a ratio take turns within one run: "
        f"{rounds[0]} rounds of fresh processes, {rounds[1]} rounds of warm requests. A ratio is the median of the "
        "rounds' ratios; beside it stand the lowest and the highest, which are the noise of the machine. A bare client "
        'is `boto3.client("dynamodb")` from the same layer, with the same bytecode.'
    )


def reached(results: Results) -> Iterator[str]:
    """The goals."""
    deployment = Deployment()
    waiting = LAMBDA_GB_SECOND[deployment.architecture].of(MILLION * deployment.memory / 1024 / 1000)
    yield "## Goals"
    yield markdown.table(
        ["figure", "goal", "measured", "spread", ""],
        [
            [goal.figure, goal.limit, goal.value, goal.noise, "met" if goal.met else "**missed**"]
            for goal in goals(results)
        ],
    )
    yield (
        "The calls and the capacity of every operation are asserted by `tests/dynamodb/test_budgets.py`; that starts, "
        "warm requests and sizes do not grow, by `tests/speed`. Prices count the gateway, Lambda at 512 MB on arm64 "
        "and DynamoDB; Lambda's duration is the measured CPU on the share of a processor that 512 MB give "
        f"(512 / {MEMORY_OF_ONE_CPU}), and the measured wait for the database. A millisecond more of waiting adds "
        f"${waiting:.4f} to a million requests."
    )


def size(results: Results) -> Iterator[str]:
    """What is shipped."""
    sizes = results["sizes"]
    yield "## Size"
    yield markdown.table(
        ["package", "MB unzipped"],
        [
            *[
                [f"`{name}`" if name != "functions" else name, f"{bytes_ / MB:.2f}"]
                for name, bytes_ in sizes.items()
                if name not in BOTO3
            ],
            ["**beyond boto3**", f"**{beyond_boto3(sizes) / MB:.2f}**"],
            ["boto3 and what it needs", f"{(sum(sizes.values()) - beyond_boto3(sizes)) / MB:.2f}"],
        ],
        right=1,
    )
    yield (
        "A megabyte is 1024² bytes, as in Lambda's limit of 250. pydantic's native module is there once for each "
        "processor."
    )


SECTIONS = (introduction, reached, starts, warm, profile, growth, memory, peers, size)


def document(results: Results) -> str:
    """Return the whole document."""
    return markdown.page(part for section in SECTIONS for part in section(results))
