"""The service as it ships, compared with the last full run of `make bench`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import Results
from benchmarks.__main__ import DOCS, load
from benchmarks.samples import Spread
from benchmarks.service import Service
from tools.dynamodb.local_engine import Engine, missing
from tools.local import stack

# Two runs on a busy machine differ by less than this.
MARGIN = 1.15
ATTEMPTS = 3


@pytest.fixture(scope="session")
def recorded() -> Results:
    """The results in the documents."""
    return load(DOCS)


@pytest.fixture(scope="session", autouse=True)
def built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The output of `sam build`."""
    stack.build(tmp_path_factory.mktemp("built") / "sam.log")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Tables on DynamoDB Local, warmed up."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    folder: Path = tmp_path_factory.mktemp("dynamodb-local")
    engine = Engine.start(folder)
    service = Service.create(engine.url, "speed")
    service.warm_up()
    yield service
    engine.stop()


def require_not_grown(what: str, before: Spread, measure: Callable[[], Spread]) -> None:
    """Fail if a ratio is above the margin in every attempt; a single high ratio may be noise."""
    limit, seen = before.median * MARGIN, []
    for _ in range(ATTEMPTS):
        seen.append(measure().median)
        if seen[-1] <= limit:
            return
    measured = ", ".join(f"{ratio:.2f}" for ratio in seen)
    pytest.fail(
        f"{what} has grown: {measured} in {ATTEMPTS} measurements; it was {before.median:.2f}, and up to {limit:.2f} "
        "is noise. If that is worth it, run `make bench` to record it.",
        pytrace=False,
    )
