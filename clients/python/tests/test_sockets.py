"""Failures of real connections: what httpx2's mock transport only imitates."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest

from agent_sessions_client import Client, ConnectionFailedError, Retries, UnexpectedResponseError

HEALTHY = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"status":"ok"}'
RESET = struct.pack("ii", 1, 0)  # linger for 0 seconds

Respond = Callable[[socket.socket], None]


def healthy(connection: socket.socket) -> None:
    connection.sendall(HEALTHY)


def hang_up(connection: socket.socket) -> None:
    """Close the connection without a response."""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def cut(connection: socket.socket) -> None:
    connection.sendall(HEALTHY[:-4])


def say_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.com ESMTP\r\n")


class Server:
    """Accepts connections, one after the other, and treats each as planned."""

    def __init__(self, listener: socket.socket) -> None:
        self.planned: list[Respond] = []
        self.accepted = 0
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.accepted += 1
                connection.recv(65536)
                (self.planned.pop(0) if self.planned else healthy)(connection)


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener)
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with httpx2.Client(trust_env=False, timeout=30) as http_client:
        yield Client(server.url, http_client=http_client)


@pytest.mark.parametrize("failure", [hang_up, reset, cut, say_nonsense])
def test_broken_connection_is_tried_again(client: Client, server: Server, failure: Respond) -> None:
    server.planned = [failure, failure]

    client.check_health()

    assert server.accepted == 3


@pytest.mark.parametrize("failure", [hang_up, reset, cut])
def test_sign_in_over_a_broken_connection_is_not_repeated(client: Client, server: Server, failure: Respond) -> None:
    server.planned = [failure]

    with pytest.raises(ConnectionFailedError) as raised:
        client.sign_in("Claude")

    assert (raised.value.sent, server.accepted) == (True, 1)


def test_refused_connection_was_not_sent(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with httpx2.Client(trust_env=False) as http_client:
        client = Client(url, http_client=http_client, retries=Retries(attempts=2))

        with pytest.raises(ConnectionFailedError, match="ConnectError") as raised:
            client.sign_in("Claude")

    assert raised.value.sent is False


def test_silent_server_times_out(server: Server) -> None:
    ended = threading.Event()

    def stay_silent(_: socket.socket) -> None:
        ended.wait(30)

    server.planned = [stay_silent]
    with httpx2.Client(trust_env=False, timeout=0.2) as http_client:
        client = Client(server.url, http_client=http_client, retries=Retries(attempts=1))

        with pytest.raises(ConnectionFailedError, match="ReadTimeout"):
            client.check_health()
    ended.set()


def test_page_of_a_proxy_is_not_a_response_of_the_api(client: Client, server: Server) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"
    server.planned = [lambda connection: connection.sendall(page)]

    with pytest.raises(UnexpectedResponseError, match="check the URL"):
        client.check_health()
