"""The examples for frameworks, in an environment of their own, in front of a service in memory."""

import time
from typing import Any

import httpx2
import pytest
from agent_sessions_client import AsyncClient, Client, Retries
from fake_service import Service

URL = "https://agents.example.com"
STOP = {"reason": "budget used up", "at": "2026-11-22T16:20:00Z"}
ONCE = Retries(attempts=1)


class Recorder(Service):
    """Asks the agent to stop at its n-th report, or fails at each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_at = 0
        self.is_down = False

    @property
    def reports(self) -> list[tuple[str, str]]:
        """What was reported."""
        sent = [self.body(place) for place, call in enumerate(self.calls) if call.startswith("PATCH")]
        return [(each["state"], each["activity"]) for each in sent]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "PATCH":
            if self.is_down:
                return httpx2.Response(503, json={"error": "DatabaseError", "detail": "down"})
            if len(self.reports) + 1 == self.stop_at:
                self.stop = STOP
        return super().__call__(request)


@pytest.fixture
def service() -> Recorder:
    return Recorder()


@pytest.fixture
def client(service: Recorder) -> Client:
    transport = httpx2.MockTransport(service)
    return Client(URL, retries=ONCE, http_client=httpx2.Client(transport=transport, trust_env=False))


@pytest.fixture
def async_client(service: Recorder) -> AsyncClient:
    transport = httpx2.MockTransport(service)
    return AsyncClient(URL, retries=ONCE, http_client=httpx2.AsyncClient(transport=transport, trust_env=False))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(time, "sleep", lambda _: None)
