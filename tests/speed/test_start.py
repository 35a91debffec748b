"""A start does not grow, in CPU beside a bare client."""

import pytest

from tests.speed.conftest import require_not_grown
from tools.bench import results as of
from tools.bench.measures import start
from tools.bench.results import Results
from tools.bench.samples import Spread, ratio
from tools.bench.service import Service

ROUNDS = 7


@pytest.mark.parametrize(("case", "base"), [("function", "bare client"), ("first request", "bare client and get_item")])
def test_a_start_does_not_grow(service: Service, recorded: Results, case: str, base: str) -> None:
    def measure() -> Spread:
        taken = start.measure(service, ROUNDS, {name: start.COMPARED[name] for name in (case, base)})
        return ratio(taken[case], taken[base])

    require_not_grown(f"{case} ÷ {base}", of.start_ratio(recorded, case, base), measure)
