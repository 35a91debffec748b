"""A warm request does not grow, in CPU beside the same calls made bare."""

import pytest

from tests.speed.conftest import require_not_grown
from tools import ROOT
from tools.bench import results as of
from tools.bench.process import run
from tools.bench.results import Results
from tools.bench.run import LONG
from tools.bench.samples import Spread
from tools.bench.service import Service

ROUNDS, REPEAT = 30, 5


@pytest.mark.parametrize("operation", ["validate", "sign in, known agent"])
def test_a_warm_request_does_not_grow(service: Service, recorded: Results, operation: str) -> None:
    def measure() -> Spread:
        environ = service.environ(str(ROOT), **LONG)
        warm = run("-m", "tools.bench.measures.warm", str(ROUNDS), str(REPEAT), operation, environ=environ).answer
        return of.warm_ratio({"warm": warm}, operation)

    require_not_grown(f"{operation} ÷ its bare calls", of.warm_ratio(recorded, operation), measure)
