"""The package on two databases: moto, and DynamoDB Local, which is Amazon's own implementation."""

import pytest

from agent_sessions import clock


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no operation reach its deadline on a busy machine."""
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)
