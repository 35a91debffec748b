"""What must not grow: the service as it ships, against the last full run of `make bench`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import DOCS, RESULTS
from benchmarks.results import Results, load
from benchmarks.samples import Spread
from benchmarks.service import Service
from tools.dynamodb.local_engine import Engine, missing
from tools.local import stack

# Two runs on a busy machine differ by less; what is worth telling differs by more.
MARGIN = 1.15
ATTEMPTS = 3


@pytest.fixture(scope="session")
def recorded() -> Results:
    """The results that the documents show."""
    return load(DOCS / RESULTS)


@pytest.fixture(scope="session", autouse=True)
def built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The layer and the functions, as `sam build` makes them."""
    stack.build(tmp_path_factory.mktemp("built") / "sam.log")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Tables on Amazon's engine, which is warm."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    folder: Path = tmp_path_factory.mktemp("dynamodb-local")
    engine = Engine.start(folder)
    service = Service.create(engine.url, "speed")
    service.warm_up()
    yield service
    engine.stop()


def require_not_grown(what: str, before: Spread, measure: Callable[[], Spread]) -> None:
    """Fail where a ratio has grown by more than the margin: measured anew where it seems so, as noise passes."""
    limit, seen = before.median * MARGIN, []
    for _ in range(ATTEMPTS):
        seen.append(measure().median)
        if seen[-1] <= limit:
            return
    measured = ", ".join(f"{ratio:.2f}" for ratio in seen)
    pytest.fail(
        f"{what} has grown: {measured} in {ATTEMPTS} measurements; it was {before.median:.2f}, and up to {limit:.2f} "
        "is noise. Where that is worth it, `make bench` records it anew.",
        pytrace=False,
    )
