"""Many containers at the same moment: one agent for one identity, one session after exclusive sign-ins.

Every worker is a real thread with a client and a service of its own. Two of them are also driven step by
step through every order of their calls, so that nothing depends on luck.
"""

import itertools
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent_sessions import clock
from agent_sessions.domain import identity
from agent_sessions.domain.models import SignedIn
from agent_sessions.dynamodb.agents_table import AgentsTable
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient
from tests.support.length import by_length
from tests.support.steps import Steps, orders

WORKERS = 64
EXCLUSIVE_WORKERS = 32
ROUNDS, MORE_ROUNDS, FEW_ROUNDS = by_length((20, 8, 3), (1000, 200, 50))

# To follow every line takes as long again, and other tests meet them all.
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
        gate.wait(timeout=60)
        return service.sign_in(OWNER, name, exclusive=exclusive)

    return list(pool.map(run, services))


def ghost(identity_key: str) -> str:
    """Return the id of an agent that was imported once and deleted since."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, identity_key))


class Lagging(AgentsTable):
    """Its index shows nothing yet."""

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        return None


class Stale(AgentsTable):
    """Its index still shows the agent that was deleted, whose id every sign-in would derive again."""

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        return identity.agent_id(owner, identity_key)


class Haunted(AgentsTable):
    """Its index still shows an imported agent that was deleted, under an id that nobody derives."""

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        return ghost(identity_key)


# How many calls a first sign-in makes.
CALLS: dict[type[AgentsTable], int] = {AgentsTable: 3, Lagging: 2, Stale: 2, Haunted: 3}


@pytest.mark.parametrize(
    ("clients", "kinds", "rounds"),
    [
        pytest.param("new_fast_client", (AgentsTable,), ROUNDS, id="true"),
        pytest.param("new_fast_client", (Lagging,), ROUNDS, id="lagging"),
        pytest.param("new_fast_client", (Stale,), ROUNDS, id="stale"),
        pytest.param("new_fast_client", (Haunted,), MORE_ROUNDS, id="haunted"),
        # An index has replicas, so that of two readers one may see what the other does not.
        pytest.param("new_fast_client", (AgentsTable, Lagging, Stale, Haunted), MORE_ROUNDS, id="all-of-these"),
        pytest.param("new_engine_client", (AgentsTable,), FEW_ROUNDS, id="true-by-botocore"),
    ],
)
def test_first_sign_ins_at_once_make_one_agent(
    request: pytest.FixtureRequest,
    database: Database,
    frozen: FrozenClock,
    clients: str,
    kinds: tuple[type[AgentsTable], ...],
    rounds: int,
) -> None:
    new_client: NewClient = request.getfixturevalue(clients)
    services = [
        SessionService(database.tables(new_client(), kinds[number % len(kinds)]), database.settings)
        for number in range(WORKERS)
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(rounds):
            name = f"Racer {number}"
            key = identity.identity_key(name, None)
            for deleted in (ghost(key), identity.agent_id(OWNER, key)):
                database.import_agent(deleted, OWNER, key, at=1)
                database.delete_agent(deleted)

            made = sign_in_at_once(pool, services, name)

            assert {each.session.agent_id for each in made} == {identity.agent_id(OWNER, key)}, name
            assert [each.reused for each in made].count(False) == 1, name
            assert len({each.session_token for each in made}) == WORKERS

    agents = database.client.scan(TableName=database.settings.agents_table, ConsistentRead=True)["Items"]
    assert len(agents) == rounds
    assert {each["sign_ins"]["N"] for each in agents} == {str(WORKERS)}
    presence = AgentService(database.tables()).get_agent(OWNER, identity.agent_id(OWNER, key))
    assert presence.active_sessions == WORKERS


@pytest.mark.parametrize(
    "kinds",
    list(itertools.combinations_with_replacement(CALLS, 2)),
    ids=lambda kinds: "-".join(kind.__name__ for kind in kinds),
)
def test_two_first_sign_ins_in_every_order_of_their_calls_make_one_agent(
    database: Database, frozen: FrozenClock, kinds: tuple[type[AgentsTable], type[AgentsTable]]
) -> None:
    steps = Steps()
    clients = [database.new_client() for _ in kinds]
    one, other = (
        SessionService(database.tables(client, kind), database.settings)
        for client, kind in zip(clients, kinds, strict=True)
    )
    for who, client in zip("ab", clients, strict=True):
        steps.direct(who, client)

    for number, order in enumerate(orders(a=CALLS[kinds[0]], b=CALLS[kinds[1]])):
        name = f"Racer {number}"

        made = steps.run(order, a=lambda: one.sign_in(OWNER, name), b=lambda: other.sign_in(OWNER, name))  # noqa: B023

        signed_in = [each for each in made.values() if isinstance(each, SignedIn)]
        agent_id = identity.agent_id(OWNER, identity.identity_key(name, None))
        assert [each.session.agent_id for each in signed_in] == [agent_id, agent_id], steps.made
        assert sorted(each.reused for each in signed_in) == [False, True], steps.made
        assert len(steps.made) == len(order), "the order was as long as the calls"


def test_of_exclusive_sign_ins_at_once_the_latest_stays_alone(
    database: Database, new_fast_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    # The clocks of containers differ: a later begun sign-in may believe that it is the earlier.
    monkeypatch.setattr(clock, "now", lambda: 1_800_000_000 + next(ticks) % 3)
    services = [SessionService(database.tables(new_fast_client()), database.settings) for _ in range(EXCLUSIVE_WORKERS)]
    with ThreadPoolExecutor(EXCLUSIVE_WORKERS) as pool:
        for number in range(ROUNDS):
            name = f"Racer {number}"
            made = sign_in_at_once(pool, services, name, exclusive=True)

            latest = max((each.session for each in made), key=lambda session: session.sign_in_order)
            assert list(database.tables().sessions.sessions_of(latest.agent_id)) == [latest], name


class ClockOfThread(threading.local):
    """The time of one container."""

    time = 1_800_000_000


@pytest.mark.parametrize("behind", [0, 1], ids=["one-clock", "one-clock-behind"])
def test_of_two_exclusive_sign_ins_in_every_order_of_their_calls_the_later_stays_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    here, steps = ClockOfThread(), Steps()
    monkeypatch.setattr(clock, "now", lambda: here.time)
    clients = {who: database.new_client() for who in "ab"}
    services = {who: SessionService(database.tables(client), database.settings) for who, client in clients.items()}
    for who, client in clients.items():
        steps.direct(who, client)

    def sign_in(who: str, name: str) -> SignedIn:
        here.time -= behind * (who == "b")
        return services[who].sign_in(OWNER, name, exclusive=True)

    # Look the agent up, recognise it, write the session, read them all, and end what must give way.
    for number, order in enumerate(orders(a=5, b=5)):
        name = f"Racer {number}"

        made = steps.run(order, a=lambda: sign_in("a", name), b=lambda: sign_in("b", name))  # noqa: B023

        signed_in = [each.session for each in made.values() if isinstance(each, SignedIn)]
        later = max(signed_in, key=lambda session: session.sign_in_order)
        assert list(database.tables().sessions.sessions_of(later.agent_id)) == [later], steps.made
