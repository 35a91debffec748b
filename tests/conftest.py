"""Fixtures and rules of all tests: the frozen clock, the order of the folders, and what runs in one process."""

import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from agent_sessions import clock
from tests.support.length import LENGTH, examples
from tools.local.loopback import bypass_proxy

pytest_plugins = [
    "tests.guards.plugin",
    "tests.support.database",
    "tests.support.functions",
    "tests.support.mcp",
    "pytester",
]

# Servers of the tests listen on this machine, where no proxy reaches them.
bypass_proxy()

# Of property tests that say nothing else.
settings.register_profile(LENGTH, examples(100, 1_000))
settings.load_profile(LENGTH)

# Commands of their own run these: in environments of their own, or on a quiet machine.
collect_ignore = ["frameworks", "peers", "speed"]

# Folders whose tests take longest run first, so that no process waits for another at the end.
FIRST = ("e2e", "faults", "dynamodb", "guards")


@dataclass
class FrozenClock:
    """The time of the service, in epoch seconds."""

    time: int = 1_800_000_000

    def __call__(self) -> int:
        return self.time

    def tick(self, seconds: int) -> None:
        """Let time pass."""
        self.time += seconds


def pytest_report_header() -> str:
    return f"test length: {LENGTH}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.nodeid))


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Gives a process all tests that share the emulator, or a file; races and orders run wherever there is room.

    pytest-xdist's own ``--dist loadgroup`` writes the group into an attribute of the test that pytest 9.2 no
    longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        if _folder(nodeid) == "e2e":
            return "emulator"
        file = nodeid.partition("::")[0]
        return nodeid if file.endswith(("/test_races.py", "tests/orders/test_orders.py")) else file


def pytest_xdist_auto_num_workers() -> int:
    # Some tests wait: for timeouts, for the emulator, for other programs.
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    # In the order of the folders: long groups begin first, so that no process waits for another at the end.
    config.option.loadscopereorder = False
    return Groups(config, log)


def _folder(nodeid: str) -> str:
    return nodeid.split("/")[1] if nodeid.startswith("tests/") else ""


def _rank(nodeid: str) -> int:
    folder = _folder(nodeid)
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Stop the clock of the service."""
    frozen = FrozenClock()
    monkeypatch.setattr(clock, "now", frozen)
    return frozen
