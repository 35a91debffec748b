"""Connections to DynamoDB that are kept alive between requests."""

import select
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPMessage, HTTPResponse
from typing import NamedTuple

from agent_sessions.dynamodb.transport import CONNECT_SECONDS, READ_SECONDS


class Reply(NamedTuple):
    """An HTTP response."""

    status: int
    headers: HTTPMessage
    body: bytes


class Connections:
    """Connections to one host; safe with threads, each of which uses one of its own at a time.

    Args:
        host: The host, with the port unless that is the scheme's.
        tls: The authorities to trust; None for HTTP without TLS.
    """

    def __init__(self, host: str, tls: ssl.SSLContext | None) -> None:
        self.host, self._tls, self.read_seconds = host, tls, READ_SECONDS
        self._idle: list[socket.socket] = []

    def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send ``POST /``; return the whole response, or raise OSError or HTTPException."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        connection = self._reuse() or self._connect()
        try:
            connection.sendall(head.encode() + body)  # http.client would send two packets, with two system calls
            with HTTPResponse(connection, method="POST") as response:
                response.begin()
                reply = Reply(response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            self.drop()  # what ended this connection may have ended the others
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return reply

    def drop(self) -> None:
        """Close the connections that are not in use."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _reuse(self) -> socket.socket | None:
        with suppress(IndexError):
            while True:
                connection, poll = self._idle.pop(), select.poll()
                poll.register(connection, select.POLLIN)
                if not poll.poll(0):
                    return connection
                connection.close()  # by the peer already, as happens while a container is frozen
        return None

    def _connect(self) -> socket.socket:
        name, _, port = self.host.partition(":")
        connection = socket.create_connection((name, port or (443 if self._tls else 80)), CONNECT_SECONDS)
        for level, option in ((socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_KEEPALIVE)):
            connection.setsockopt(level, option, 1)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_hostname=name)
        connection.settimeout(self.read_seconds)
        return connection
