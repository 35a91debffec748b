"""A start does not grow, in CPU beside a bare client."""

import pytest

from benchmarks import results as of
from benchmarks.measurements import start
from benchmarks.results import Results
from benchmarks.samples import Spread, ratio
from benchmarks.service import Service
from tests.speed.conftest import require_not_grown

ROUNDS = 7


@pytest.mark.parametrize(("case", "base"), [("function", "bare client"), ("first request", "bare client and get_item")])
def test_a_start_does_not_grow(service: Service, recorded: Results, case: str, base: str) -> None:
    def measure() -> Spread:
        taken = start.measure(service, ROUNDS, {name: start.COMPARED[name] for name in (case, base)})
        return ratio(taken[case], taken[base])

    require_not_grown(f"{case} ÷ {base}", of.start_ratio(recorded, case, base), measure)
