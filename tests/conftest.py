"""Fixtures and rules of all tests: the frozen clock, the order of the folders, and what runs in one process."""

from dataclasses import dataclass

import pytest
from hypothesis import settings

from agent_sessions import clock
from tests.support.length import LENGTH, examples
from tools.local.loopback import bypass_proxy

pytest_plugins = ["tests.guards.plugin", "tests.support.database", "tests.support.functions", "pytester"]

# Servers of the tests listen on this machine, where no proxy reaches them.
bypass_proxy()

# Of property tests that say nothing else.
settings.register_profile(LENGTH, examples(100, 1_000))
settings.load_profile(LENGTH)

# `make peers` and `make speed` run these: one in an environment of its own, the other on a quiet machine.
collect_ignore = ["peers", "speed"]

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


# First, because pytest-xdist reads the groups in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)
    for item in items:
        if group := _group(item):
            item.add_marker(pytest.mark.xdist_group(group))


def _folder(item: pytest.Item) -> str:
    return item.nodeid.split("/")[1] if item.nodeid.startswith("tests/") else ""


def _rank(item: pytest.Item) -> int:
    folder = _folder(item)
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


def _group(item: pytest.Item) -> str | None:
    """Return what runs in one process: all that share the emulator, or a file; the races run wherever there is room."""
    if _folder(item) == "e2e":
        return "emulator"
    file = item.nodeid.partition("::")[0]
    return None if file.endswith("/test_races.py") else file.removeprefix("tests/").removesuffix(".py")


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Stop the clock of the service."""
    frozen = FrozenClock()
    monkeypatch.setattr(clock, "now", frozen)
    return frozen
