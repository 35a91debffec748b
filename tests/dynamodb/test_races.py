"""Many containers at once: one agent for one identity, one session after exclusive sign-ins.

Every worker is a real thread with a client and a service of its own. Two of them are also driven through every order
of their calls, so that nothing depends on luck.
"""

import itertools
import math
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from agent_sessions import clock
from agent_sessions.domain import identity
from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.dynamodb.agents_table import AgentsTable
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient
from tests.support.length import by_length
from tests.support.steps import Action, Steps
from tests.support.timeouts import HANG_SECONDS

WORKERS = 64
EXCLUSIVE_WORKERS = 32
ROUNDS, MORE_ROUNDS, FEW_ROUNDS = by_length((20, 8, 3), (1000, 200, 50))

# Coverage would double the time, and other tests run every line.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def new_client(new_engine_client: NewClient) -> NewClient:
    return new_engine_client


def sign_in_at_once(
    pool: ThreadPoolExecutor, services: Sequence[SessionService], name: str, *, exclusive: bool = False
) -> list[SignedIn]:
    """Sign in with every service at the same moment, each in a thread of its own."""
    gate = threading.Barrier(len(services))

    def run(service: SessionService) -> SignedIn:
        gate.wait(timeout=HANG_SECONDS)
        return service.sign_in(OWNER, name, exclusive=exclusive)

    return list(pool.map(run, services))


def deleted_id(identity_key: str) -> str:
    """Return the id of an agent that was imported and then deleted."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, identity_key))


class Lagging(AgentsTable):
    """Its index shows nothing yet."""

    def find_agent_ids(self, owner: str, identity_key: str) -> list[str]:
        return []


class Stale(AgentsTable):
    """Its index still shows a deleted agent whose id every sign-in derives again."""

    def find_agent_ids(self, owner: str, identity_key: str) -> list[str]:
        return [identity.agent_id(owner, identity_key)]


class StaleImport(AgentsTable):
    """Its index still shows an imported agent that was deleted, under an id that no sign-in derives."""

    def find_agent_ids(self, owner: str, identity_key: str) -> list[str]:
        return [deleted_id(identity_key)]


# How many calls a first sign-in makes; Lagging and Stale do without the Query.
CALLS: dict[type[AgentsTable], int] = {AgentsTable: 3, Lagging: 2, Stale: 2, StaleImport: 4}


@pytest.mark.parametrize(
    ("clients", "kinds", "rounds"),
    [
        pytest.param("new_fast_client", (AgentsTable,), ROUNDS, id="exact"),
        pytest.param("new_fast_client", (Lagging,), ROUNDS, id="lagging"),
        pytest.param("new_fast_client", (Stale,), ROUNDS, id="stale"),
        pytest.param("new_fast_client", (StaleImport,), MORE_ROUNDS, id="stale-import"),
        # An index has replicas, so that of two readers one may see what the other does not.
        pytest.param("new_fast_client", (AgentsTable, Lagging, Stale, StaleImport), MORE_ROUNDS, id="all-of-these"),
        pytest.param("new_engine_client", (AgentsTable,), FEW_ROUNDS, id="exact-with-botocore"),
    ],
)
def test_concurrent_first_sign_ins_create_one_agent(
    request: pytest.FixtureRequest,
    database: Database,
    frozen: FrozenClock,
    clients: str,
    kinds: tuple[type[AgentsTable], ...],
    rounds: int,
) -> None:
    new_client: NewClient = request.getfixturevalue(clients)
    services = [
        SessionService(database.tables(BotocoreTransport(new_client()), kinds[number % len(kinds)]), database.settings)
        for number in range(WORKERS)
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(rounds):
            name = f"Racer {number}"
            key = identity.identity_key(name, None)
            for deleted in (deleted_id(key), identity.agent_id(OWNER, key)):
                database.import_agent(deleted, OWNER, key, at=1)
                database.delete_agent(deleted)

            made = sign_in_at_once(pool, services, name)

            assert {each.session.agent_id for each in made} == {identity.agent_id(OWNER, key)}, name
            assert [each.reused for each in made].count(False) == 1, name
            assert len({each.session_token for each in made}) == WORKERS

    agents = database.client.scan(TableName=database.settings.agents_table, ConsistentRead=True)["Items"]
    assert len(agents) == rounds
    assert {each["sign_ins"]["N"] for each in agents} == {str(WORKERS)}
    presence = AgentService(database.tables(), database.settings).get_agent(OWNER, identity.agent_id(OWNER, key))
    assert presence.active_sessions == WORKERS


@pytest.mark.parametrize(
    "kinds",
    list(itertools.combinations_with_replacement(CALLS, 2)),
    ids=lambda kinds: "-".join(kind.__name__ for kind in kinds),
)
def test_two_first_sign_ins_create_one_agent_in_every_order(
    database: Database, frozen: FrozenClock, kinds: tuple[type[AgentsTable], type[AgentsTable]]
) -> None:
    steps = Steps()
    services = [
        SessionService(
            database.tables(steps.direct(client, BotocoreTransport(database.new_client())), kind), database.settings
        )
        for client, kind in zip("ab", kinds, strict=True)
    ]
    runs = itertools.count()
    name = ""

    def begin() -> dict[str, Action]:
        nonlocal name
        name = f"Racer {next(runs)}"
        return {client: partial(service.sign_in, OWNER, name) for client, service in zip("ab", services, strict=True)}

    for run in steps.every_order(begin):
        made = [each for each in run.results.values() if isinstance(each, SignedIn)]
        agent_id = identity.agent_id(OWNER, identity.identity_key(name, None))
        assert [each.session.agent_id for each in made] == [agent_id, agent_id], run
        assert sorted(each.reused for each in made) == [False, True], run
        assert sorted(each.session.sign_in_number for each in made) == [1, 2], run
        assert len({each.session.incarnation for each in made}) == 1, run

    first, second = (CALLS[kind] for kind in kinds)
    assert next(runs) >= math.comb(first + second, first) - 1, "every order was run"


def test_latest_of_concurrent_exclusive_sign_ins_stays_alone(
    database: Database, new_fast_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    # The clocks of containers differ: a sign-in that began later may have the earlier time.
    monkeypatch.setattr(clock, "now", lambda: 1_800_000_000 + next(ticks) % 3)
    services = [
        SessionService(database.tables(BotocoreTransport(new_fast_client())), database.settings)
        for _ in range(EXCLUSIVE_WORKERS)
    ]
    with ThreadPoolExecutor(EXCLUSIVE_WORKERS) as pool:
        for number in range(ROUNDS):
            name = f"Racer {number}"
            made = sign_in_at_once(pool, services, name, exclusive=True)

            latest = max((each.session for each in made), key=lambda session: session.sign_in_number)
            assert sessions_of(database, latest.agent_id) == [latest], name


class ClockOfThread(threading.local):
    """The time of one container."""

    time = 1_800_000_000


@pytest.mark.parametrize("behind", by_length([1], [0, 1, 2, -5]), ids=lambda seconds: f"{seconds}-s-behind")
def test_later_of_two_exclusive_sign_ins_stays_alone_in_every_order(
    database: Database, new_fast_client: NewClient, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    here, steps = ClockOfThread(), Steps()
    monkeypatch.setattr(clock, "now", lambda: here.time)
    services = {
        client: SessionService(
            database.tables(steps.direct(client, BotocoreTransport(new_fast_client()))), database.settings
        )
        for client in "ab"
    }
    runs = itertools.count()

    def sign_in(client: str, name: str) -> SignedIn:
        here.time = ClockOfThread.time - behind * (client == "b")
        return services[client].sign_in(OWNER, name, exclusive=True)

    def begin() -> dict[str, Action]:
        name = f"Racer {next(runs)}"
        return {client: partial(sign_in, client, name) for client in services}

    ended_by_itself = 0
    for run in steps.every_order(begin):
        signed_in = [each.session for each in run.results.values() if isinstance(each, SignedIn)]
        later = max(signed_in, key=lambda session: session.sign_in_number)
        assert sessions_of(database, later.agent_id) == [later], run
        # The earlier one deletes itself if the later one was written before it read again.
        earlier = next(client for client, each in run.results.items() if getattr(each, "session", None) != later)
        ended_by_itself += (earlier, "BatchWriteItem") in run.calls
    assert ended_by_itself
    # Query, Update, Query, Put, Query, and a deletion by one of them.
    assert next(runs) >= math.comb(10, 5)


def sessions_of(database: Database, agent_id: str) -> list[Session]:
    return list(database.tables().sessions.first_sessions_of(agent_id, limit=1000)[0])
