"""Both clients in front of a service in memory, as one; and the command in front of it."""

import asyncio
import inspect
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_service import LOCAL_URL, OTHER_AGENT, URL, Run, Service, agent, session

from agent_sessions_client import AsyncClient, Client, Retries
from agent_sessions_client.cli.main import main


class Blocking:
    """Lets a test call an asyncio object as if it were its blocking twin."""

    def __init__(self, target: Any, run: Callable[[Any], Any]) -> None:
        self._target, self._run = target, run

    def __getattr__(self, name: str) -> Any:
        return self._wrap(getattr(self._target, name))

    def __repr__(self) -> str:
        return repr(self._target)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._wrap(self._target(*arguments, **options))

    def __enter__(self) -> Any:
        return self._wrap(self._run(self._target.__aenter__()))

    def __exit__(self, *error: Any) -> Any:
        return self._run(self._target.__aexit__(*error))

    def __iter__(self) -> Iterator[Any]:
        end = object()
        while (item := self._run(anext(self._target, end))) is not end:
            yield item

    def _wrap(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            value = self._run(value)
        is_async = any(hasattr(value, name) for name in ("__anext__", "__aenter__")) or inspect.ismethod(value)
        return Blocking(value, self._run) if is_async or type(value).__name__ == "AsyncSignedInSession" else value


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture(params=["threads", "asyncio"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@pytest.fixture
def make(service: Service, flavour: str, loop: asyncio.AbstractEventLoop) -> Callable[..., Any]:
    """Makes clients of the service in memory: both kinds, with the same methods."""

    def make(url: str = URL, **options: Any) -> Any:
        transport = httpx2.MockTransport(service)
        if flavour == "threads":
            return Client(url, http_client=httpx2.Client(transport=transport, trust_env=False), **options)
        client = AsyncClient(url, http_client=httpx2.AsyncClient(transport=transport, trust_env=False), **options)
        return Blocking(client, loop.run_until_complete)

    return make


@pytest.fixture
def client(make: Callable[..., Any]) -> Any:
    return make(retries=Retries())


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record every pause instead of waiting; the random part of a pause is its most."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def record(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr("agent_sessions_client.driver.pause", record)
    monkeypatch.setattr(random, "uniform", lambda _, most: most)
    return pauses


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, whose user calls a service on this machine."""
    for name in ("API_AUTH", "API_JWT", "AWS_PROFILE", "AWS_REGION", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("API_URL", LOCAL_URL)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def run(service: Service, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command against the service in memory; returns exit status, output and errors."""
    real = httpx2.Client

    def connect(**options: Any) -> httpx2.Client:
        return real(transport=httpx2.MockTransport(service), trust_env=False, **options)

    monkeypatch.setattr(httpx2, "Client", connect)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def fleet(service: Service) -> Service:
    """The service with two agents in three sessions."""
    service.roster = [
        session(
            1, agent_name="Claude", context=None, display_name="Claude", state="working", activity="[bold]tests[/bold]"
        ),
        session(2, state="waiting", activity="for Ada"),
        session(3, agent_id=OTHER_AGENT, agent_name="Codex", context=None, display_name="Codex", state=None),
    ]
    service.agents = [
        agent(),
        agent(agent_id=OTHER_AGENT, agent_name="Codex", context=None, display_name="Codex", blocked=True),
    ]
    return service
