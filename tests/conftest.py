"""What all tests share: a clock that moves only when told to."""

from dataclasses import dataclass

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from agent_sessions import clock

pytest_plugins = ["tests.watch.plugin", "pytester"]


@dataclass
class FrozenClock:
    """The time of the service, in epoch seconds."""

    time: int = 1_800_000_000

    def __call__(self) -> int:
        return self.time

    def tick(self, seconds: int) -> None:
        """Let time pass."""
        self.time += seconds


# `make test` runs them afterwards: one needs an environment of its own, the other a quiet machine.
collect_ignore = ["peers", "speed"]


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
