"""Every request gets a response that the document describes, and none a 5xx.

Schemathesis sends requests that the document allows and others, follows its links, and checks each response (see
schemathesis.toml and fuzz_hooks.py). The seeds are fixed, so every run sends the same requests.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Api
from tests.guards.leaks import LEAKS
from tests.support.contract import DOCUMENT
from tests.support.length import by_length
from tools import ROOT

CASES = by_length(300, 10_000)
EXAMPLES = by_length(40, 100)  # per operation and phase of a round
# Rounds differ in length, because schemathesis ends a phase if a response differs from one to the same request.
MAX_ROUNDS = by_length(10, 100)
# Of all rounds but the first: the phases left out send the same requests in every round.
PHASES = by_length("stateful", "fuzzing,stateful")
NEVER_THROTTLED = {"ThrottleRate": "100000", "ThrottleBurst": "100000"}

OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
LINKS = {
    f"{route} -> [{status}] {name}"
    for route, operation in OPERATIONS.items()
    for status, response in operation["responses"].items()
    for name in response.get("links", ())
}


def _is_sent(operation: dict[str, Any], status: str) -> bool:
    """Whether a generated request can cause an error; others need a verified caller, a throttle or a fault.

    Where there is neither a body nor a query to be wrong, a 400 needs an unknown query parameter. The generator sends
    none to an operation that has no parameters (tests/integration/test_bad_input.py does).
    """
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    return {
        "400": "query" in places or "requestBody" in operation,
        "401": "sessionToken" in str(operation["security"]),
        "404": True,
    }.get(status, False)


ERRORS = [
    (route, int(status))
    for route, operation in OPERATIONS.items()
    for status in operation["responses"]
    if _is_sent(operation, status)
]


@dataclass
class Results:
    """The responses that were as described, the links that were followed, and the rounds that failed."""

    responses: Counter[tuple[str, int]] = field(default_factory=Counter)
    links: set[str] = field(default_factory=set)
    failed_rounds: list[int] = field(default_factory=list)

    def read(self, report: Path) -> None:
        """Add the cases of a round; a case counts only if its response was checked."""
        for scenario in _scenarios(report):
            for case_id, case in scenario["cases"].items():
                checks = {(each["name"], each["status"]) for each in scenario["checks"].get(case_id, ())}
                if ("described", "success") in checks:
                    self._add(case, scenario["interactions"][case_id]["response"]["status_code"])

    def _add(self, case: dict[str, Any], status: int) -> None:
        self.responses[f"{case['value']['method']} {case['value']['path']}", status] += 1
        # The id ends with the operation to which the link leads.
        if case["is_transition_applied"] and status < 300:
            self.links.add(case["transition"]["id"].rpartition(" -> ")[0])

    def successes(self, route: str) -> int:
        return sum(self.responses[route, status] for status in (200, 201, 204))

    def are_complete(self) -> bool:
        """Whether there are enough cases, every link was followed, and every operation succeeded and failed."""
        return (
            self.responses.total() >= CASES
            and self.links >= LINKS
            and all(self.successes(route) for route in OPERATIONS)
            and all(self.responses[error] for error in ERRORS)
        )


def _scenarios(report: Path) -> Iterator[dict[str, Any]]:
    with report.open() as lines:
        for line in lines:
            scenario = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            if "cases" in scenario:  # missing if the document has nothing for a phase
                yield scenario


def run_round(url: str, seed: int, report: Path) -> bool:
    """Run one round; return whether it passed. It prints each failure with a command that repeats it."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "tests/e2e/schemathesis.toml", "run"]
    command += ["docs/openapi.json", "--url", url, "--seed", str(seed), "--max-examples", str(EXAMPLES)]
    command += ["--report", "ndjson", "--report-ndjson-path", str(report)]
    if seed > 1:
        command += ["--phases", PHASES]
    tokens = report.with_name("session_tokens")
    tokens.touch()
    environ = os.environ | {"SESSION_TOKENS": str(tokens), "PYTHONPATH": str(ROOT / "layers/agent_sessions")}
    done = subprocess.run(command, cwd=ROOT, env=environ, check=False)  # noqa: S603
    for token in tokens.read_text().splitlines():
        LEAKS.tokens.remember(token)
    return done.returncode == 0


@pytest.fixture(scope="module")
def results(deploy: Callable[..., Api], tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results of as many rounds as it takes until they are complete."""
    api = deploy("agent-sessions-fuzz", **NEVER_THROTTLED)
    results = Results()
    for seed in range(1, MAX_ROUNDS + 1):
        report = tmp_path_factory.mktemp("fuzz") / "report.ndjson"
        if not run_round(api.url, seed, report):
            results.failed_rounds.append(seed)
            break
        results.read(report)
        if results.are_complete():
            break
    lines = [f"{cases:6} {status} {route}" for (route, status), cases in sorted(results.responses.items())]
    print(*lines, f"{results.responses.total():6} in all", sep="\n")  # noqa: T201  for `make fuzz`
    return results


def test_every_response_is_described(results: Results) -> None:
    assert results.failed_rounds == []
    assert results.responses.total() >= CASES
    assert max(status for _, status in results.responses) < 500


def test_every_link_is_followed(results: Results) -> None:
    assert sorted(LINKS - results.links) == []


@pytest.mark.parametrize("route", OPERATIONS)
def test_every_operation_succeeds(results: Results, route: str) -> None:
    assert results.successes(route)


@pytest.mark.parametrize(("route", "status"), ERRORS)
def test_every_described_error_occurs(results: Results, route: str, status: int) -> None:
    assert results.responses[route, status]
