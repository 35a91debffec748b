"""What all tests share: a clock that moves only when told to."""

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from agent_sessions import clock

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


class ByFolder(LoadScopeScheduling):
    """Gives a file to one process, and a folder that shares an emulator or an engine as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.split("/")[1]
        return folder if folder in ("e2e", "engine") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    return ByFolder(config, log)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Stop the clock of the service."""
    frozen = FrozenClock()
    monkeypatch.setattr(clock, "now", frozen)
    return frozen
