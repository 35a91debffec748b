"""Touching in the background: off unless asked for, never progress, and it never signs in."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fake_service import URL, Service, problem, token

from agent_sessions_client import AsyncClient, Client

USE = "GET /sessions/current"
SIGN_IN = "POST /sessions"
OFTEN = 0.001
HANG_SECONDS = 30


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with httpx2.Client(transport=httpx2.MockTransport(service), trust_env=False) as http_client:
        yield Client(URL, http_client=http_client)


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        threading.Event().wait(OFTEN)


def touches(service: Service, session_token: str = "") -> int:
    return sum(
        each.method == "GET" and each.headers["Authorization"].endswith(session_token)
        for each in list(service.requests)
    )


def test_nothing_touches_unless_asked_for(client: Client) -> None:
    with client.signed_in("Claude"):
        assert "agent-sessions-touch" not in {each.name for each in threading.enumerate()}


def test_background_sees_a_stop_request_and_ends_with_the_session(client: Client, service: Service) -> None:
    with client.signed_in("Claude", touch_every=OFTEN) as session:
        service.stop = {"reason": "budget used up", "at": "2026-11-22T16:20:00Z"}
        wait_until(lambda: session.stop_requested is not None)

    wait_until(lambda: "agent-sessions-touch" not in {each.name for each in threading.enumerate()})
    assert set(service.calls) == {SIGN_IN, USE, "DELETE /sessions/current"}


def test_background_never_signs_in_but_the_next_use_does(client: Client, service: Service) -> None:
    session = client.sign_in("Claude", touch_every=OFTEN)
    wait_until(lambda: touches(service) > 2)
    service.live.clear()
    # One touch learns that the session has ended, and then there are no more.
    wait_until(lambda: session._state._ended_token == token(1))
    ended = touches(service)
    threading.Event().wait(20 * OFTEN)
    assert (touches(service), service.calls.count(SIGN_IN)) == (ended, 1)

    session.progress("working")

    assert service.calls.count(SIGN_IN) == 2
    wait_until(lambda: touches(service, token(2)) > 2)
    session.sign_out()


def test_background_goes_on_after_an_outage(client: Client, service: Service) -> None:
    service.planned = []
    session = client.sign_in("Claude", touch_every=OFTEN)
    service.planned = [problem(503, "DatabaseError")] * 50
    wait_until(lambda: not service.planned)
    seen = touches(service)

    wait_until(lambda: touches(service) > seen + 2)

    assert service.calls.count(SIGN_IN) == 1
    session.sign_out()


def threads() -> int:
    return [each.name for each in threading.enumerate()].count("agent-sessions-touch")


def test_second_interval_replaces_the_first(client: Client) -> None:
    session = client.sign_in("Claude", touch_every=OFTEN)
    session.touch_every(2 * OFTEN)

    wait_until(lambda: threads() == 1)
    session.sign_out()
    wait_until(lambda: threads() == 0)


def test_background_ends_with_the_client(service: Service) -> None:
    # A thread that raises would fail this test, as every warning does.
    with httpx2.Client(transport=httpx2.MockTransport(service), trust_env=False) as http_client:
        Client(URL, http_client=http_client).sign_in("Claude", touch_every=OFTEN)

    wait_until(lambda: threads() == 0)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_interval_without_length_is_refused(client: Client, seconds: float) -> None:
    with pytest.raises(ValueError, match="touch_every must be more than 0 seconds"):
        client.sign_in("Claude", touch_every=seconds)


def test_asyncio_task_touches_and_ends_with_the_session(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    async def run() -> Any:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(service), trust_env=False) as http_client:
            client = AsyncClient(URL, http_client=http_client)
            async with client.signed_in("Claude", touch_every=OFTEN) as session:
                service.stop = {"reason": "budget used up", "at": "2026-11-22T16:20:00Z"}
                while session.stop_requested is None:
                    await asyncio.wait_for(asyncio.sleep(OFTEN), HANG_SECONDS)
                task = session._task
            await asyncio.sleep(OFTEN)
            return task

    assert loop.run_until_complete(run()).cancelled()
    assert set(service.calls) == {SIGN_IN, USE, "DELETE /sessions/current"}


def test_second_interval_replaces_the_first_asyncio_task(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    async def run() -> list[bool]:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(service), trust_env=False) as http_client:
            session = await AsyncClient(URL, http_client=http_client).sign_in("Claude", touch_every=OFTEN)
            first = session._task
            session.touch_every(OFTEN)
            await session.sign_out()
            await asyncio.sleep(OFTEN)
            return [each is not None and each.cancelled() for each in (first, session._task)]

    assert loop.run_until_complete(run()) == [True, True]


def test_asyncio_task_ends_with_the_client(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    async def run() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(service), trust_env=False) as http_client:
            session = await AsyncClient(URL, http_client=http_client).sign_in("Claude", touch_every=OFTEN)
        assert session._task is not None
        await asyncio.wait_for(session._task, HANG_SECONDS)

    loop.run_until_complete(run())
