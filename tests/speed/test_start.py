"""A start takes no more CPU than in the last full run, relative to a bare client."""

import pytest

from benchmarks import Results
from benchmarks.measurements import start
from benchmarks.samples import Spread, ratio
from benchmarks.service import Service
from tests.speed.conftest import ATTEMPTS, require_not_grown

ROUNDS = 7
MCP_LIMIT = 1.1


@pytest.mark.parametrize(
    ("case", "base"),
    [
        ("function ready", "bare client"),
        ("authorizer ready", "bare client"),
        ("first validation", "bare client, one get_item"),
    ],
)
def test_start_does_not_grow(service: Service, recorded: Results, case: str, base: str) -> None:
    def measure() -> Spread:
        taken = start.measure(service, ROUNDS, {name: start.CASES[name] for name in (case, base)})
        return ratio(taken[case], taken[base])

    require_not_grown(f"{case} ÷ {base}", ratio(recorded["start"][case], recorded["start"][base]), measure)


def test_mcp_function_starts_like_the_sessions_function(service: Service) -> None:
    # Only requests that list or call tools wait for pydantic.
    sessions = start.CASES["function ready"]
    functions = {"sessions": sessions, "MCP": sessions._replace(function="McpFunction")}
    seen = []
    for _ in range(ATTEMPTS):
        taken = start.measure(service, ROUNDS, functions)
        seen.append(ratio(taken["MCP"], taken["sessions"]).median)
        if seen[-1] <= MCP_LIMIT:
            return
    pytest.fail(f"the MCP function takes {', '.join(f'{each:.2f}' for each in seen)} of a start, not {MCP_LIMIT}")
