"""Connections of the direct transport: certificates, reuse, and peers that hang up."""

import select
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent_sessions.dynamodb import direct_connections
from agent_sessions.errors import DatabaseError
from tests.transport.conftest import Connect
from tests.transport.server import Authority, Server, respond_empty, serving

REQUEST = {"TableName": "sessions"}


def test_good_certificate_is_accepted(server: Server, connect: Connect) -> None:
    assert connect(server)("GetItem", REQUEST) == {}


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (lambda authority, _: authority.server(days=-1), "certificate has expired"),
        (lambda authority, _: authority.server("dynamodb.example.com"), "Hostname mismatch"),
        (lambda _, foreign: foreign.server(), "verify failed"),
    ],
    ids=["expired", "of another host", "foreign"],
)
def test_bad_certificate_is_refused_and_no_request_sent(
    authority: Authority,
    tmp_path: Path,
    connect: Connect,
    pauses: list[float],
    certificate: Callable[[Authority, Authority], ssl.SSLContext],
    reason: str,
) -> None:
    with serving(certificate(authority, Authority.create(tmp_path / "foreign"))) as server:
        with pytest.raises(DatabaseError) as caught:
            connect(server)("GetItem", REQUEST)

        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        assert reason in str(caught.value.__cause__)
        assert server.received == []


def test_server_without_tls_is_refused(connect: Connect, pauses: list[float]) -> None:
    with serving() as server, pytest.raises(DatabaseError) as caught:
        connect(server)("GetItem", REQUEST)

    assert isinstance(caught.value.__cause__, ssl.SSLError)


def test_connection_is_kept_for_the_next_call(server: Server, connect: Connect) -> None:
    transport = connect(server)
    for _ in range(5):
        transport("GetItem", REQUEST)

    assert (server.accepted, len(server.received)) == (1, 5)


def test_connection_closed_by_the_peer_is_not_used(server: Server, connect: Connect, pauses: list[float]) -> None:
    transport = connect(server)
    transport("GetItem", REQUEST)
    server.hang_up()
    # As in a container that is frozen: the connection ends while nothing reads it.
    select.select(transport.connections._idle, [], [])

    transport("GetItem", REQUEST)

    assert (server.accepted, pauses) == (2, [])


def test_connection_that_ends_unnoticed_costs_one_attempt(
    server: Server, connect: Connect, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, together = connect(server), threading.Barrier(3)

    def respond_together(*_: object) -> tuple[int, dict[str, str]]:
        together.wait()
        return 200, {}

    server.respond = respond_together
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: transport("GetItem", REQUEST), range(3)))
    server.respond = respond_empty
    server.hang_up()
    # The end of the connections has not arrived here yet.
    unnoticed = SimpleNamespace(POLLIN=1, poll=lambda: SimpleNamespace(register=lambda *_: None, poll=lambda _: []))
    monkeypatch.setattr(direct_connections, "select", unnoticed)

    assert transport("GetItem", REQUEST) == {}

    # The other idle connections are not tried: what ended one has probably ended them too.
    assert (server.accepted, len(pauses)) == (4, 1)


def test_peer_that_closes_after_its_response_is_not_used_again(connect: Connect, authority: Authority) -> None:
    with serving(authority.server()) as server:
        transport = connect(server)
        server.respond = lambda *_: (200, {})
        for _ in range(3):
            transport.connections.post({"host": server.host, "connection": "close"}, b"{}")

        assert server.accepted == 3
        assert transport.connections._idle == []


def test_silent_peer_times_out(connect: Connect, server: Server, pauses: list[float]) -> None:
    ended = threading.Event()

    def stay_silent(*_: object) -> tuple[int, dict[str, str]]:
        ended.wait(2)
        return 200, {}

    server.respond = stay_silent
    transport = connect(server)
    transport.connections.read_seconds = 0.05
    try:
        with pytest.raises(DatabaseError) as caught:
            transport("GetItem", REQUEST)
    finally:
        ended.set()

    assert isinstance(caught.value.__cause__, TimeoutError)
    assert (server.accepted, len(pauses)) == (3, 2)


def test_refused_connection_is_retried(connect: Connect, pauses: list[float]) -> None:
    with serving() as server:
        pass
    with pytest.raises(DatabaseError) as caught:
        connect(server)("GetItem", REQUEST)

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert len(pauses) == 2


def test_restored_container_shares_no_connection(server: Server, connect: Connect) -> None:
    transport = connect(server)
    transport("GetItem", REQUEST)
    transport.forget()
    transport("GetItem", REQUEST)

    assert server.accepted == 2


def test_threads_share_connections_but_no_response(server: Server, connect: Connect) -> None:
    server.respond = lambda _, body: (200, {"Item": body.decode()})
    transport, threads, calls = connect(server), 8, 50

    def call(thread: int) -> None:
        for number in range(calls):
            assert f'"{thread}/{number}"' in transport("GetItem", {"Key": f"{thread}/{number}"})["Item"]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(call, range(threads)))

    assert len(server.received) == threads * calls
    assert server.accepted <= threads
