"""A warm request takes no more CPU than in the last full run, relative to its bare calls."""

from typing import Any

import pytest

from benchmarks import Results
from benchmarks.process import measured
from benchmarks.run import LONG_LIFETIME
from benchmarks.samples import Spread, ratio
from benchmarks.service import Service
from tests.speed.conftest import require_not_grown
from tools import ROOT

ROUNDS, REPEAT = 30, 5


@pytest.mark.parametrize("operation", ["validate", "sign in, known agent"])
def test_warm_request_does_not_grow(service: Service, recorded: Results, operation: str) -> None:
    def relative(warm: dict[str, Any]) -> Spread:
        entry = warm["operations"][operation]
        return ratio(entry["cpu"], entry["bare"]["cpu"])

    def measure() -> Spread:
        environ = service.environ(str(ROOT), **LONG_LIFETIME)
        return relative(measured("warm", ROUNDS, REPEAT, operation, environ=environ))

    require_not_grown(f"{operation} ÷ its bare calls", relative(recorded["warm"]), measure)
