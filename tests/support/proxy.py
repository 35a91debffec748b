"""A TCP proxy in front of the engine that fails on demand, in the ways in which networks fail.

Of HTTP it knows only where a message ends, so that it can forward a request and lose the response.
"""

import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Self

HOST = "127.0.0.1"
RST = struct.pack("ii", 1, 0)  # linger for 0 seconds
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Toxic(StrEnum):
    """What happens to a request; from LOSE on, the engine has executed it."""

    REFUSE = "refused"
    RESET = "reset"
    SILENCE = "silence"
    LOSE = "reset before response"
    HOLD = "silence before response"
    CUT_HEAD = "cut response head"
    CUT_BODY = "cut response body"
    GARBLE = "one changed character in response"
    NOISE = "noise as response"

    @property
    def applies(self) -> bool:
        return self not in (Toxic.REFUSE, Toxic.RESET, Toxic.SILENCE)


class Proxy:
    """Listens on a free port, with one thread per connection and one connection to the engine per request.

    ``toxic`` applies to all later requests, on open connections too; with None every request passes. Responses
    are delayed by ``delay`` seconds.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.delay = 0.0
        self._upstream = upstream
        self._toxic: Toxic | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        # Reserves the port while nothing listens there.
        self._reserved = socket.socket()
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            self._reserved.setsockopt(socket.SOL_SOCKET, option, 1)
        self._reserved.bind((HOST, 0))
        self._listener: socket.socket | None = None
        self._listen()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._reserved.getsockname()[1]}"

    @property
    def toxic(self) -> Toxic | None:
        return self._toxic

    @toxic.setter
    def toxic(self, toxic: Toxic | None) -> None:
        self._toxic = toxic
        if toxic is Toxic.REFUSE:
            self._hang_up()
        elif self._listener is None:
            self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._hang_up()
        for thread in self._threads:
            thread.join()
        self._reserved.close()

    def _listen(self) -> None:
        self._listener = socket.create_server(self._reserved.getsockname(), reuse_port=True)
        self._start(self._accept, self._listener)

    def _start(self, target: Callable[[socket.socket], None], sock: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(sock,))
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def _hang_up(self) -> None:
        """Close the listener and every connection, so that new connections are refused."""
        with self._lock:
            listener, self._listener = self._listener, None
            for sock in (*self._clients, *([listener] if listener else [])):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closes it

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with self._lock:
                    if self._listener is not listener:
                        client.close()
                        return
                    self._clients.add(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := _read_message(client)) and self._forward(request, client):
                pass
        with self._lock:
            self._clients.discard(client)

    def _forward(self, request: bytes, client: socket.socket) -> bool:
        """Forward a request and respond as the toxic demands; return whether the connection stays open."""
        toxic, response = self._toxic, b""
        if toxic is None or toxic.applies:
            with socket.create_connection(self._upstream) as engine:
                engine.sendall(request)
                response = _read_message(engine)
            self._ended.wait(self.delay)
        match toxic:
            case None:
                client.sendall(response)
                return True
            case Toxic.REFUSE:
                pass  # arrived before the connection was closed
            case Toxic.RESET | Toxic.LOSE:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            case Toxic.SILENCE | Toxic.HOLD:
                client.recv(1)  # until the client gives up
            case Toxic.CUT_HEAD:
                client.sendall(response[: response.index(b"\r\n\r\n") // 2])
            case Toxic.CUT_BODY:
                body = response.index(b"\r\n\r\n") + 4
                client.sendall(response[: (body + len(response)) // 2])
            case Toxic.GARBLE:
                client.sendall(_garble(response))
            case Toxic.NOISE:
                client.sendall(bytes(byte ^ 0x55 for byte in response))
        return False


def _read_message(sock: socket.socket) -> bytes:
    """Read one HTTP message unchanged; empty if the connection has ended."""
    message, end = b"", -1
    while len(message) != end:
        received = sock.recv(65536)
        if not received:
            return b""
        message += received
        if end < 0 and b"\r\n\r\n" in message:
            length = CONTENT_LENGTH.search(message)
            assert length, message
            end = message.index(b"\r\n\r\n") + 4 + int(length[1])
    return message


def _garble(response: bytes) -> bytes:
    """Change one digit, so that the response still looks whole; or one brace if only that can be noticed."""
    body = response.index(b"\r\n\r\n") + 4
    digits = [at for at in range(body, len(response)) if response[at : at + 1].isdigit()]
    # Unlike AWS, the engine sends no checksum with its errors.
    place = digits[-1] if digits and b"x-amz-crc32" in response[:body] else body
    return response[:place] + bytes([response[place] ^ 1]) + response[place + 1 :]
