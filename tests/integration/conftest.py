"""Tests in this folder open no socket, and no request of theirs runs out of time."""

import pytest

from agent_sessions import clock
from tests.support.network import no_network

__all__ = ["no_network"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the time of the deadline: a busy machine is not a slow database."""
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
