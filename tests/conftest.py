"""What all tests share: a clock that moves only when told to."""

from dataclasses import dataclass

import pytest

from agent_sessions import clock


@dataclass
class FrozenClock:
    """The time of the service, in epoch seconds."""

    time: int = 1_800_000_000

    def __call__(self) -> int:
        return self.time

    def tick(self, seconds: int) -> None:
        """Let time pass."""
        self.time += seconds


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """Stop the clock of the service."""
    frozen = FrozenClock()
    monkeypatch.setattr(clock, "now", frozen)
    return frozen
