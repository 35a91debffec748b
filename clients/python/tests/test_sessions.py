"""A signed-in agent: its progress, its end, and when it signs in again."""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fake_service import ENDED, URL, Service, problem, session, token

from agent_sessions_client import (
    UNCHANGED,
    AgentBlockedError,
    AsyncClient,
    CallerError,
    Client,
    InvalidSessionError,
    NotFoundError,
    Session,
    UnavailableError,
)

USE = "GET /sessions/current"
REPORT = "PATCH /sessions/current"
SIGN_IN = "POST /sessions"
SIGN_OUT = "DELETE /sessions/current"


def test_block_signs_in_reports_and_signs_out(client: Any, service: Service) -> None:
    with client.signed_in("Claude", "Project A", metadata={"model": "opus"}, idle_seconds=600) as session:
        shown = session.progress("working", "reviewing PR 12")

    assert (shown.state, shown.activity) == ("working", "reviewing PR 12")
    assert service.calls == [SIGN_IN, REPORT, SIGN_OUT]
    assert service.body(0) == {
        "agent_name": "Claude",
        "context": "Project A",
        "metadata": {"model": "opus"},
        "idle_seconds": 600,
    }
    assert service.requests[-1].headers["Authorization"] == f"Bearer {token(1)}"


def test_block_signs_out_after_an_error_of_the_program(client: Any, service: Service) -> None:
    with pytest.raises(ZeroDivisionError), client.signed_in("Claude"):
        raise ZeroDivisionError

    assert service.calls == [SIGN_IN, SIGN_OUT]


def test_failed_sign_out_is_a_warning(client: Any, service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with client.signed_in("Claude"):
        service.planned = [problem(503, "DatabaseError")] * 2

    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "ends at its idle timeout" in record.getMessage()


@pytest.mark.parametrize(
    ("report", "body"),
    [
        ({"state": "waiting"}, {"state": "waiting"}),
        ({"activity": None}, {"activity": None}),
        ({"state": None, "activity": UNCHANGED}, {"state": None}),
    ],
)
def test_progress_sends_only_what_is_given(
    client: Any, service: Service, report: dict[str, Any], body: dict[str, Any]
) -> None:
    client.sign_in("Claude").progress(**report)

    assert service.body() == body


def test_stop_request_is_seen_at_the_next_use(client: Any, service: Service) -> None:
    session = client.sign_in("Claude")
    before = session.stop_requested
    service.stop = {"reason": "budget used up", "at": "2026-11-22T16:20:00Z"}

    session.touch()

    assert (before, session.stop_requested.reason) == (None, "budget used up")


def test_ended_session_signs_in_again_once_and_repeats_the_use(client: Any, service: Service) -> None:
    session = client.sign_in("Claude", "Project A")
    service.live.clear()

    shown = session.progress("working")

    assert service.calls == [SIGN_IN, REPORT, SIGN_IN, REPORT]
    assert (shown.session_id, session.session_id) == (session.session_id, "d571b74a-ed1b-8fac-9c43-000000000002")
    assert session.session_token == token(2)
    assert service.body(0) == service.body(2)


def test_second_401_in_a_row_is_raised(client: Any, service: Service) -> None:
    session = client.sign_in("Claude")
    signed_in = httpx2.Response(201, json=_signed_in(2))
    service.planned = [ENDED, signed_in, ENDED]

    with pytest.raises(InvalidSessionError):
        session.touch()

    assert service.calls == [SIGN_IN, USE, SIGN_IN, USE]


def test_exclusive_session_that_ended_never_signs_in_again(client: Any, service: Service) -> None:
    session = client.sign_in("Claude", exclusive=True)
    service.live.clear()

    for _ in range(2):
        with pytest.raises(InvalidSessionError):
            session.touch()

    assert service.calls == [SIGN_IN, USE, USE]


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (problem(403, "AgentBlockedError"), AgentBlockedError),
        (httpx2.Response(403, json={"message": "Forbidden"}), CallerError),
        (httpx2.Response(401, json={"message": "Unauthorized"}), CallerError),
    ],
)
def test_refused_agent_never_signs_in_again(
    client: Any, service: Service, refusal: httpx2.Response, error: type[Exception]
) -> None:
    session = client.sign_in("Claude")
    service.planned = [ENDED, refusal]

    with pytest.raises(error):
        session.touch()
    service.live.clear()
    with pytest.raises(InvalidSessionError):
        session.touch()

    assert service.calls == [SIGN_IN, USE, SIGN_IN, USE]


def test_threads_that_meet_an_ended_session_sign_in_once(service: Service) -> None:
    def respond_slowly(request: httpx2.Request) -> httpx2.Response:
        threading.Event().wait(0.002)  # so that the others call meanwhile
        return service(request)

    with httpx2.Client(transport=httpx2.MockTransport(respond_slowly), trust_env=False) as http_client:
        session = Client(URL, http_client=http_client).sign_in("Claude")
        service.live.clear()

        with ThreadPoolExecutor(8) as pool:
            shown = list(pool.map(lambda _: session.touch().session_id, range(32)))

    assert set(shown) == {session.session_id}
    assert service.calls.count(SIGN_IN) == 2


def test_tasks_that_meet_an_ended_session_sign_in_once(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    async def touch() -> list[Session]:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(service), trust_env=False) as http_client:
            session = await AsyncClient(URL, http_client=http_client).sign_in("Claude")
            service.live.clear()
            return await asyncio.gather(*(session.touch() for _ in range(32)))

    assert len({each.session_id for each in loop.run_until_complete(touch())}) == 1
    assert service.calls.count(SIGN_IN) == 2


def test_cancelled_task_signs_out(service: Service, loop: asyncio.AbstractEventLoop) -> None:
    signed_in = asyncio.Event()

    async def work() -> None:
        http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(service), trust_env=False)
        async with http_client, AsyncClient(URL, http_client=http_client).signed_in("Claude"):
            signed_in.set()
            await asyncio.Event().wait()

    async def cancel() -> None:
        task = asyncio.create_task(work())
        await asyncio.wait_for(signed_in.wait(), 30)
        task.cancel()
        await asyncio.wait([task])

    loop.run_until_complete(cancel())

    assert service.calls == [SIGN_IN, SIGN_OUT]


def test_outage_is_no_end(client: Any, service: Service) -> None:
    session = client.sign_in("Claude")
    service.planned = [problem(503, "DatabaseError")] * 5

    with pytest.raises(UnavailableError):
        session.touch()

    assert SIGN_IN not in service.calls[1:]
    assert session.touch().session_id == session.session_id


def test_signed_out_session_fails_without_a_request(client: Any, service: Service) -> None:
    session = client.sign_in("Claude")
    session.sign_out()

    with pytest.raises(InvalidSessionError, match="signed out"):
        session.touch()

    assert service.calls == [SIGN_IN, SIGN_OUT]


def test_resumed_session_that_ended_never_signs_in_again(client: Any, service: Service) -> None:
    service.live.add(token(1))
    session = client.resume(token(1))
    assert session.reused is None
    service.live.clear()

    with pytest.raises(InvalidSessionError):
        session.touch()

    assert SIGN_IN not in service.calls


def test_blocked_agent_cannot_sign_in(client: Any, service: Service) -> None:
    service.blocked = True

    with pytest.raises(AgentBlockedError), client.signed_in("Claude"):
        pytest.fail("the block ran")

    assert service.calls == [SIGN_IN]


def test_ids_cannot_leave_their_place_in_a_path(client: Any, service: Service) -> None:
    service.planned = [problem(404, "NotFoundError")]

    with pytest.raises(NotFoundError):
        client.agent("../sessions?x=1#")

    assert service.requests[0].url.raw_path == b"/agents/..%2Fsessions%3Fx%3D1%23"


def _signed_in(number: int) -> dict[str, Any]:
    return session(number, session_token=token(number), reused=True)
