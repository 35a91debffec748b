"""What all tests share: a clock that moves only when told to."""

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from agent_sessions import clock

pytest_plugins = ["tests.guards.plugin", "tests.support.database", "tests.support.functions", "pytester"]

# How long an example takes says how busy the machine is. Else it is as Hypothesis has it here, or in CI.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

# `make prove` and `make fuzz` run everything at full length, `make test` enough to find what breaks.
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def tries(usual: int, thorough: int) -> settings:
    """Return the settings of a test that tries many inputs: in `make test` the same ones every time."""
    return settings(
        max_examples=thorough if THOROUGH else usual,
        derandomize=not THOROUGH,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@dataclass
class FrozenClock:
    """The time of the service, in epoch seconds."""

    time: int = 1_800_000_000

    def __call__(self) -> int:
        return self.time

    def tick(self, seconds: int) -> None:
        """Let time pass."""
        self.time += seconds


# `make peers` and `make speed` run them: one in an environment of its own, the other on a quiet machine.
collect_ignore = ["peers", "speed"]


class Parts(LoadScopeScheduling):
    """Gives a process a file at a time; all that share the emulator at once, and the races, which take long, singly."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/e2e/"):
            return "e2e"
        return nodeid if nodeid.startswith("tests/dynamodb/test_races.py") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Parts:
    # In the order of the folders: what takes long begins early, so that no process waits for another at the end.
    config.option.loadscopereorder = False
    return Parts(config, log)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Stop the clock of the service."""
    frozen = FrozenClock()
    monkeypatch.setattr(clock, "now", frozen)
    return frozen
