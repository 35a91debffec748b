"""Many containers at the same moment: one agent for one identity, one session after exclusive sign-ins.

Every worker is a real thread with a client and a service of its own.
"""

import itertools
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent_sessions import clock, identity
from agent_sessions.agents import AgentService
from agent_sessions.models import SignedIn
from agent_sessions.service import SessionService
from agent_sessions.store import Store
from tests.conftest import FrozenClock
from tests.engine.conftest import OWNER, THOROUGH, Database, NewClient

WORKERS = 64
EXCLUSIVE_WORKERS = 32
ROUNDS = 200 if THOROUGH else 5
EXCLUSIVE_ROUNDS = 200 if THOROUGH else 20


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


class Lagging(Store):
    """Its index shows nothing yet."""

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        return None


class Stale(Store):
    """Its index still shows the agent that was deleted, whose id every sign-in would derive again."""

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        return identity.agent_id(owner, identity_key)


class Haunted(Store):
    """Its index still shows an imported agent that was deleted, under an id that nobody derives."""

    def find_agent_id(self, owner: str, identity_key: str) -> str | None:
        return ghost(identity_key)


@pytest.mark.parametrize(
    "kinds",
    [(Store,), (Lagging,), (Stale,), (Haunted,), (Store, Lagging, Stale, Haunted)],
    # An index has replicas, so that of two readers one may see what the other does not.
    ids=["true", "lagging", "stale", "haunted", "all-of-these"],
)
def test_first_sign_ins_at_once_make_one_agent(
    database: Database, frozen: FrozenClock, kinds: tuple[type[Store], ...]
) -> None:
    services = [
        SessionService(database.store(database.new_client(), kinds[number % len(kinds)]), database.settings)
        for number in range(WORKERS)
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(ROUNDS):
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
    assert len(agents) == ROUNDS
    assert {each["sign_ins"]["N"] for each in agents} == {str(WORKERS)}
    presence = AgentService(database.store()).get_agent(OWNER, identity.agent_id(OWNER, key))
    assert presence.active_sessions == WORKERS


def test_of_exclusive_sign_ins_at_once_the_latest_stays_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    # The clocks of containers differ: a later begun sign-in may believe that it is the earlier.
    monkeypatch.setattr(clock, "now", lambda: 1_800_000_000 + next(ticks) % 3)
    services = [
        SessionService(database.store(database.new_client()), database.settings) for _ in range(EXCLUSIVE_WORKERS)
    ]
    with ThreadPoolExecutor(EXCLUSIVE_WORKERS) as pool:
        for number in range(EXCLUSIVE_ROUNDS):
            name = f"Racer {number}"
            made = sign_in_at_once(pool, services, name, exclusive=True)

            latest = max((each.session for each in made), key=lambda session: session.seniority)
            assert list(database.store().sessions_of(latest.agent_id)) == [latest], name
