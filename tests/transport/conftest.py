"""A direct transport to a server of the tests."""

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from agent_sessions.dynamodb import direct_transport
from agent_sessions.dynamodb.container_credentials import Credentials
from agent_sessions.dynamodb.direct_connections import Connections
from agent_sessions.dynamodb.direct_transport import DirectTransport
from tests.transport.server import Authority, Server, serving

KEYS = Credentials("AKIDEXAMPLE", "secret", "token")

type Connect = Callable[..., DirectTransport]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the transports trust."""
    return Authority.create(tmp_path_factory.mktemp("authority") / "trusted")


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    """A server with a good certificate."""
    with serving(authority.server()) as server:
        yield server


@pytest.fixture
def connect(authority: Authority) -> Iterator[Connect]:
    """Makes direct transports, and closes their connections at the end."""
    made: list[DirectTransport] = []

    def connect(server: Server, credentials: Callable[[], Credentials] = lambda: KEYS) -> DirectTransport:
        connections = Connections(server.host, authority.client())
        connections.read_seconds = 5.0  # the machine may be busy
        made.append(DirectTransport(connections, "eu-west-1", credentials))
        return made[-1]

    yield connect
    for transport in made:
        transport.forget()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, each as long as it can be; they take no time."""
    pauses: list[float] = []
    monkeypatch.setattr(direct_transport, "time", SimpleNamespace(**vars(time) | {"sleep": pauses.append}))
    monkeypatch.setattr(direct_transport, "random", SimpleNamespace(random=lambda: 1.0))
    return pauses
