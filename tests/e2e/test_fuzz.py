"""Any request is answered as the document says and without a 5xx: schemathesis plays against the service over HTTP.

It sends what the document allows and what it does not, follows its links, and checks each answer (see
schemathesis.toml and fuzz_hooks.py). The seeds are fixed, so every run plays the same rounds.
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

CASES = by_length(1_500, 10_000)
# A round ends where an answer differs from that of an earlier try, which in a service with a memory is no fault.
MAX_ROUNDS = CASES // 100
EXAMPLES = 100
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


@dataclass
class Played:
    """What was sent, answered and found to be as described."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    links: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)

    def read(self, report: Path) -> None:
        """Add the cases of a round; only those whose answer was checked count."""
        for scenario in _scenarios(report):
            for case_id, case in scenario["cases"].items():
                checks = {(each["name"], each["status"]) for each in scenario["checks"].get(case_id, ())}
                if ("described", "success") in checks:
                    self._add(case, scenario["interactions"][case_id]["response"]["status_code"])

    def _add(self, case: dict[str, Any], status: int) -> None:
        self.answers[f"{case['value']['method']} {case['value']['path']}", status] += 1
        # Its name ends with the operation that it leads to.
        if case["is_transition_applied"] and status < 300:
            self.links.add(case["transition"]["id"].rpartition(" -> ")[0])

    def answered(self, route: str, *statuses: int) -> int:
        return sum(self.answers[route, status] for status in statuses)


def _scenarios(report: Path) -> Iterator[dict[str, Any]]:
    with report.open() as lines:
        for line in lines:
            scenario = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            if "cases" in scenario:  # not where the service offers nothing for a phase
                yield scenario


def play(url: str, seed: int, report: Path) -> bool:
    """Play one round and return whether all was well; what was not goes to stdout, with what to paste to see it."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "tests/e2e/schemathesis.toml", "run"]
    command += ["docs/openapi.json", "--url", url, "--seed", str(seed), "--max-examples", str(EXAMPLES)]
    command += ["--report", "ndjson", "--report-ndjson-path", str(report)]
    if seed > 1:  # the other phases send the same in every round
        command += ["--phases", "fuzzing,stateful"]
    tokens = report.with_name("session_tokens")
    tokens.touch()
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"SESSION_TOKENS": str(tokens)}, check=False)  # noqa: S603
    for token in tokens.read_text().splitlines():
        LEAKS.tokens.remember(token)
    return done.returncode == 0


@pytest.fixture(scope="module")
def played(deploy: Callable[..., Api], tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Enough rounds for the cases, and for every link to have been followed."""
    api = deploy("agent-sessions-fuzz", **NEVER_THROTTLED)
    played = Played()
    for seed in range(1, MAX_ROUNDS + 1):
        report = tmp_path_factory.mktemp("fuzz") / "report.ndjson"
        if not play(api.url, seed, report):
            played.findings.append(f"round {seed}")
            break
        played.read(report)
        if played.answers.total() >= CASES and played.links >= LINKS:
            break
    lines = [f"{cases:6} {status} {route}" for (route, status), cases in sorted(played.answers.items())]
    print(*lines, f"{played.answers.total():6} in all", sep="\n")  # noqa: T201  `make fuzz` shows it
    return played


def test_every_request_is_answered_as_described(played: Played) -> None:
    assert played.findings == []
    assert played.answers.total() >= CASES
    assert max(status for _, status in played.answers) < 500


def test_every_link_leads_somewhere(played: Played) -> None:
    assert sorted(LINKS - played.links) == []


@pytest.mark.parametrize("route", OPERATIONS)
def test_every_operation_has_done_its_work(played: Played, route: str) -> None:
    """Where all is refused, nothing is proved."""
    # Without input there is one case for each way of sending it.
    enough = 1 if route == "GET /health" else CASES // 200
    assert played.answered(route, 200, 201, 204) >= enough


@pytest.mark.parametrize(
    ("route", "status"),
    [
        (route, int(status))
        for route, operation in OPERATIONS.items()
        for status in operation["responses"]
        # What else is described, a verified caller, a throttle or a fault would bring about.
        if status in ("400", "404") or (status == "401" and "sessionToken" in str(operation["security"]))
    ],
)
def test_every_refusal_was_met(played: Played, route: str, status: int) -> None:
    assert played.answered(route, status) >= CASES // 500
