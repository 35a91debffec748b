"""A warm request does not grow, in CPU beside the same calls made bare."""

import pytest

from benchmarks import results as of
from benchmarks.process import run
from benchmarks.results import Results
from benchmarks.run import LONG
from benchmarks.samples import Spread
from benchmarks.service import Service
from tests.speed.conftest import require_not_grown
from tools import ROOT

ROUNDS, REPEAT = 30, 5


@pytest.mark.parametrize("operation", ["validate", "sign in, known agent"])
def test_a_warm_request_does_not_grow(service: Service, recorded: Results, operation: str) -> None:
    def measure() -> Spread:
        environ = service.environ(str(ROOT), **LONG)
        warm = run("-m", "benchmarks.measurements.warm", str(ROUNDS), str(REPEAT), operation, environ=environ).answer
        return of.warm_ratio({"warm": warm}, operation)

    require_not_grown(f"{operation} ÷ its bare calls", of.warm_ratio(recorded, operation), measure)
