"""The guard of the emulator accepts AWS clients and local pages, and refuses other hosts, origins and sites."""

import json
from typing import Any

import pytest

from tools.local.guard import Guard, Message, Receive, Send

HOST = (b"host", b"localhost:4566")


class Recorder:
    """An application that records the scopes that reach it."""

    def __init__(self) -> None:
        self.scopes: list[Message] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


def guard(**options: Any) -> Guard:
    return Guard(Recorder(), **options)


def send_to(guard: Guard, scope: Message) -> list[Message]:
    """Pass a scope to a guard, and return the messages that it sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{scope['type']}.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(StopIteration):  # it never waits, so it needs no event loop, which would open a socket
        guard(scope, receive, send).send(None)
    return sent


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:4566",
        "LOCALHOST:4566",
        "127.0.0.1:4566",
        "127.8.9.1",
        "[::1]:4566",
        "a1b2c3d4.execute-api.localhost:4566",
        "bucket.s3.us-east-1.localhost:4566",
    ],
)
def test_local_host_is_accepted(host: str) -> None:
    assert guard().refusal([(b"host", host.encode())]) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "rebind.example",
        "rebind.example:4566",
        "localhost.example:4566",
        "notlocalhost",
        "127.0.0.1.example",
        "192.0.2.1:4566",
        "0.0.0.0:4566",
        "[2001:db8::1]:4566",
        "localhost:4566@rebind.example",
        "rebind.example#.localhost",
        "localhost, rebind.example",
        "localhost:",
        "host.docker.internal:4566",
        "rebind.example\u00a0.localhost",
    ],
)
def test_other_host_is_refused(host: str) -> None:
    assert guard().refusal([(b"host", host.encode("latin-1"))])


@pytest.mark.parametrize(
    "headers", [[], [HOST, HOST], [HOST, (b"Host", b"rebind.example")]], ids=["none", "two", "mix"]
)
def test_request_without_exactly_one_host_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert guard().refusal(headers)


def test_named_host_is_accepted() -> None:
    assert guard(hosts=["host.docker.internal"]).refusal([(b"host", b"host.docker.internal:4566")]) is None


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "https://localhost", "http://127.0.0.1:80", "http://[::1]"]
)
def test_local_origin_is_accepted(origin: str) -> None:
    assert guard().refusal([HOST, (b"origin", origin.encode()), (b"sec-fetch-site", b"cross-site")]) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://evil.example:4566",
        "null",
        "",
        "file://",
        "chrome-extension://localhost",
        "http://localhost@evil.example",
        "http://evil.example/http://localhost",
        "http://localhost:5173 https://evil.example",
    ],
)
def test_other_origin_is_refused(origin: str) -> None:
    assert guard().refusal([HOST, (b"origin", origin.encode())])


def test_second_origin_is_checked_too() -> None:
    assert guard().refusal([HOST, (b"origin", b"http://localhost"), (b"Origin", b"https://evil.example")])


def test_named_origin_is_accepted() -> None:
    named = guard(origins=["https://app.example"])

    assert named.refusal([HOST, (b"origin", b"https://app.example"), (b"sec-fetch-site", b"cross-site")]) is None
    assert named.refusal([HOST, (b"origin", b"https://app.example.evil.example")])


def test_empty_names_accept_nothing_more() -> None:
    assert guard(hosts=[""], origins=[""]).refusal([(b"host", b"")])
    assert guard(hosts=[""], origins=[""]).refusal([HOST, (b"origin", b"https://evil.example")])


@pytest.mark.parametrize(
    ("site", "accepted"), [("cross-site", False), ("same-site", True), ("same-origin", True), ("none", True)]
)
def test_get_of_a_page_of_another_site_is_refused(site: str, accepted: bool) -> None:
    assert (guard().refusal([HOST, (b"sec-fetch-site", site.encode())]) is None) is accepted


def test_refused_request_gets_403_and_does_not_reach_the_application() -> None:
    application = Recorder()
    start, body = send_to(Guard(application), {"type": "http", "headers": [(b"host", b"rebind.example")]})

    assert start["status"] == 403
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
    assert json.loads(body["body"]) == {"message": guard().refusal([])}
    assert application.scopes == []


def test_refused_websocket_is_closed_before_its_handshake_ends() -> None:
    application = Recorder()
    sent = send_to(Guard(application), {"type": "websocket", "headers": [HOST, (b"origin", b"https://evil.example")]})

    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert application.scopes == []


@pytest.mark.parametrize(
    "scope", [{"type": "http", "headers": [HOST]}, {"type": "websocket", "headers": [HOST]}, {"type": "lifespan"}]
)
def test_accepted_scope_reaches_the_application_unchanged(scope: Message) -> None:
    application = Recorder()

    assert send_to(Guard(application), scope) == []
    assert application.scopes == [scope]
