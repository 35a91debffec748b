"""A start takes no more CPU than in the last full run, relative to a bare client."""

import pytest

from benchmarks.measurements import start
from benchmarks.results import Results
from benchmarks.samples import Spread, ratio
from benchmarks.service import Service
from tests.speed.conftest import require_not_grown

ROUNDS = 7


@pytest.mark.parametrize(
    ("case", "base"), [("function ready", "bare client"), ("first validation", "bare client, one get_item")]
)
def test_start_does_not_grow(service: Service, recorded: Results, case: str, base: str) -> None:
    def measure() -> Spread:
        taken = start.measure(service, ROUNDS, {name: start.COMPARED[name] for name in (case, base)})
        return ratio(taken[case], taken[base])

    require_not_grown(f"{case} ÷ {base}", ratio(recorded["start"][case], recorded["start"][base]), measure)
