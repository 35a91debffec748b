"""Credentials from the endpoint of a container: fetched once, refreshed before they expire, by one thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus

import pytest

from agent_sessions.dynamodb.container_credentials import (
    REFRESH_AGAIN,
    REFRESH_BEFORE,
    ContainerCredentials,
    Credentials,
)
from agent_sessions.dynamodb.transport import MalformedResponseError
from agent_sessions.errors import DatabaseError
from tests.conftest import FrozenClock
from tests.transport.conftest import Connect
from tests.transport.server import Server, serving

LIFE = 3600


@pytest.fixture
def endpoint(frozen: FrozenClock) -> Iterator[Server]:
    """Returns credentials that are numbered and live for an hour."""
    with serving() as server:

        def respond(*_: object) -> tuple[int, dict[str, str]]:
            expires = datetime.fromtimestamp(frozen.time + LIFE, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            number = f"AKID{len(server.received)}"
            return 200, {"AccessKeyId": number, "SecretAccessKey": "s", "Token": "t", "Expiration": expires}

        server.respond = respond
        yield server


@pytest.fixture
def credentials(endpoint: Server) -> ContainerCredentials:
    return ContainerCredentials(f"http://{endpoint.host}/2018/credentials?a=b", lambda: "authorization")


def test_credentials_are_fetched_once(endpoint: Server, credentials: ContainerCredentials, frozen: FrozenClock) -> None:
    expected = Credentials("AKID1", "s", "t", frozen.time + LIFE)

    assert [credentials(), credentials()] == [expected, expected]
    ((headers, _),) = endpoint.received
    assert (headers["authorization"], headers["host"]) == ("authorization", endpoint.host)


def test_credentials_are_refreshed_before_they_expire(
    endpoint: Server, credentials: ContainerCredentials, frozen: FrozenClock
) -> None:
    credentials()
    frozen.tick(LIFE - REFRESH_BEFORE - 1)
    assert credentials().access_key == "AKID1"
    frozen.tick(1)
    assert credentials().access_key == "AKID2"


def test_failed_refresh_keeps_what_is_valid_and_is_tried_again(
    endpoint: Server, credentials: ContainerCredentials, frozen: FrozenClock
) -> None:
    credentials()
    working, endpoint.respond = endpoint.respond, lambda *_: (HTTPStatus.INTERNAL_SERVER_ERROR, b"busy")
    frozen.tick(LIFE - REFRESH_BEFORE)

    assert [credentials().access_key for _ in range(3)] == ["AKID1"] * 3
    assert len(endpoint.received) == 2

    endpoint.respond = working
    frozen.tick(REFRESH_AGAIN)
    assert credentials().access_key == "AKID3"


def test_refresh_that_returns_credentials_about_to_expire_is_repeated_after_a_minute(
    endpoint: Server, credentials: ContainerCredentials, frozen: FrozenClock
) -> None:
    expires = datetime.fromtimestamp(frozen.time + REFRESH_BEFORE - 1, UTC).isoformat()
    endpoint.respond = lambda *_: (
        HTTPStatus.OK,
        {"AccessKeyId": "AKID", "SecretAccessKey": "s", "Token": "t", "Expiration": expires},
    )

    for _ in range(3):
        credentials()
    assert len(endpoint.received) == 1

    frozen.tick(REFRESH_AGAIN)
    credentials()
    assert len(endpoint.received) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"AccessKeyId": "a", "Expiration": 1}', b"<html>"])
def test_expired_credentials_that_cannot_be_fetched_raise(
    endpoint: Server, credentials: ContainerCredentials, frozen: FrozenClock, body: bytes
) -> None:
    credentials()
    frozen.tick(LIFE)
    endpoint.respond = lambda *_: (200, body)

    with pytest.raises(MalformedResponseError):
        credentials()


def test_call_without_credentials_is_retried_and_then_a_database_error(
    endpoint: Server, credentials: ContainerCredentials, server: Server, connect: Connect, pauses: list[float]
) -> None:
    transport = connect(server, credentials)
    working, endpoint.respond = endpoint.respond, lambda *_: (500, b"busy")

    with pytest.raises(DatabaseError) as caught:
        transport("GetItem", {})
    assert isinstance(caught.value.__cause__, MalformedResponseError)
    assert (len(endpoint.received), len(pauses), server.received) == (3, 2, [])

    endpoint.respond = working
    assert transport("GetItem", {}) == {}


def test_restored_container_fetches_credentials_of_its_own(
    endpoint: Server, credentials: ContainerCredentials, server: Server, connect: Connect
) -> None:
    transport = connect(server, credentials)
    transport("GetItem", {})
    transport.forget()
    transport("GetItem", {})

    keys = [headers["authorization"].partition("Credential=")[2][:5] for headers, _ in server.received]
    assert keys == ["AKID1", "AKID2"]


def test_one_thread_refreshes_while_others_use_what_is_valid(
    endpoint: Server, credentials: ContainerCredentials, frozen: FrozenClock
) -> None:
    credentials()
    frozen.tick(LIFE - REFRESH_BEFORE)
    asked, go_on, working = threading.Event(), threading.Event(), endpoint.respond

    def respond_slowly(headers: object, body: object) -> tuple[int, object]:
        asked.set()
        go_on.wait()
        return working(headers, body)  # type: ignore[arg-type]

    endpoint.respond = respond_slowly
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(credentials)
        asked.wait()
        assert credentials().access_key == "AKID1"
        go_on.set()
        assert refreshing.result().access_key == "AKID2"


def test_all_threads_wait_for_the_first_credentials(endpoint: Server, credentials: ContainerCredentials) -> None:
    with ThreadPoolExecutor(8) as pool:
        fetched = set(pool.map(lambda _: credentials().access_key, range(8)))

    assert (fetched, len(endpoint.received)) == ({"AKID1"}, 1)
