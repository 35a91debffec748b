"""Many validations by threads that share one direct transport, on DynamoDB Local."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from agent_sessions import clock
from agent_sessions.domain.models import SignedIn
from agent_sessions.errors import InvalidSessionError
from agent_sessions.services.sessions import SessionService
from tests.support.database import OWNER, Database, NewClient, direct_transport, drop, new_database
from tests.support.length import by_length
from tests.support.observed_transport import ObservedConnections, ObservedTransport
from tools.dynamodb.local_engine import Engine

THREADS = 8
VALIDATIONS = by_length(2_000, 100_000)


@pytest.fixture
def database(engine: Engine, new_engine_client: NewClient) -> Iterator[Database]:
    transport = direct_transport(engine.url)
    database = new_database(new_engine_client, transport)
    yield database
    transport.forget()
    drop(database)


@pytest.mark.slow
def test_threads_on_one_transport_get_each_their_own_session(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 0.0)  # the machine may be busy
    connections = cast("ObservedConnections", cast("ObservedTransport", database.transport).connections)
    sessions = SessionService(database.tables(), database.settings)
    live = [sessions.sign_in(OWNER, f"Agent {number}") for number in range(2 * THREADS)]
    ended = [sessions.sign_in(OWNER, f"Agent {number}") for number in range(THREADS)]
    for each in ended:
        sessions.sign_out(each.session_token)

    def validate(thread: int) -> int:
        chosen = random.Random(thread)  # noqa: S311
        for _ in range(VALIDATIONS // THREADS):
            signed_in: SignedIn = chosen.choice(live)
            assert sessions.validate(signed_in.session_token) == signed_in.session
        with pytest.raises(InvalidSessionError):
            sessions.validate(ended[thread].session_token)
        return VALIDATIONS // THREADS

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(validate, range(THREADS))) == VALIDATIONS
    assert 1 <= len(connections._idle) <= THREADS
