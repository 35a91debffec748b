"""What the tables contain before the operations that are explored begin: made by the service itself."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from agent_sessions.domain import identity
from agent_sessions.domain.models import SignedIn
from agent_sessions.dynamodb.items import session_item
from agent_sessions.settings import Settings
from tests.orders.container import HERE, Services
from tests.support.memory_engine import MemoryEngine, State, Table

OWNER = "public"
NAME = "Claude"
DERIVED_ID = identity.agent_id(OWNER, identity.identity_key(NAME, None))
IMPORTED_ID = str(uuid.uuid5(uuid.NAMESPACE_OID, NAME))

# When the operations run. An interval of LAST_SEEN_INTERVAL_SECONDS has begun 200 s earlier.
NOW = 1_800_000_200
LONG_AGO, RECENTLY = NOW - 700, NOW - 100
LIMIT = 2

SETTINGS = Settings(agents_table="agents", sessions_table="sessions")


@dataclass(frozen=True, slots=True)
class World:
    """The items that operations begin with.

    Args:
        name: What is special about it.
        settings: The settings of the service.
        state: The items.
        known: The sign-ins whose tokens are in use.
        used: The session that validations, reports and sign-outs are about, one of ``known``.
        other: Another session of the agent, one of ``known``.
        agent_id: The agent that owners control.
    """

    name: str
    settings: Settings
    state: State
    known: tuple[SignedIn, ...] = ()
    used: SignedIn | None = None
    other: SignedIn | None = None
    agent_id: str = DERIVED_ID

    def __str__(self) -> str:
        return self.name

    @property
    def incarnation(self) -> str | None:
        """The incarnation of the agent, ``none`` before its first sign-in, None if there is no agent."""
        item = self.state[self.settings.agents_table].get((self.agent_id,))
        return None if item is None else item.get("incarnation", {"S": "none"})["S"]


class Builder:
    """Makes a world, one operation after the other."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.engine = MemoryEngine(
            Table.of("AgentsTable", settings.agents_table), Table.of("SessionsTable", settings.sessions_table)
        )
        self._steps = 0

    def at(self, now: int) -> Services:
        """Return the services at a time."""
        self._steps += 1
        HERE.enter(now, f"before {self._steps}")
        return Services.over(self.engine, self.settings)

    def sign_in(self, now: int, **options: Any) -> SignedIn:
        """Sign in."""
        return self.at(now).sessions.sign_in(OWNER, NAME, **options)

    def put_back(self, made: SignedIn) -> None:
        """Store a session again, as a sign-in does whose last call comes late."""
        self.engine("PutItem", {"TableName": self.settings.sessions_table, "Item": session_item(made.session)})

    def world(self, name: str, **more: Any) -> World:
        """Return the world."""
        return World(name, self.settings, self.engine.state, **more)


def no_agent() -> World:
    return Builder().world("no agent")


def signed_in() -> World:
    """Two sessions: the agent is due to be written before one is touched, and not before the other is."""
    builder = Builder()
    used, other = builder.sign_in(LONG_AGO), builder.sign_in(RECENTLY)
    return builder.world("signed in", known=(used, other), used=used, other=other)


def signed_in_exclusively() -> World:
    """An exclusive session, and one that was written late and is behind its fence."""
    builder = Builder()
    late = builder.sign_in(LONG_AGO)
    used = builder.sign_in(LONG_AGO, exclusive=True)
    builder.put_back(late)
    return builder.world("signed in exclusively", known=(used, late), used=used, other=late)


def late_session() -> World:
    """A session that was written late and is behind the fence of an end-all, and a later one."""
    builder = Builder()
    late = builder.sign_in(LONG_AGO)
    builder.at(LONG_AGO).agents.end_all_sessions(OWNER, DERIVED_ID)
    later = builder.sign_in(LONG_AGO)
    builder.put_back(late)
    return builder.world("late session", known=(late, later), used=late, other=later)


def blocked() -> World:
    """A blocked agent, and a session that was written late."""
    builder = Builder()
    late = builder.sign_in(LONG_AGO)
    builder.at(LONG_AGO).agents.block(OWNER, DERIVED_ID)
    builder.put_back(late)
    return builder.world("blocked", known=(late,), used=late, other=late)


def created_again() -> World:
    """An agent that was deleted and has signed in again, and a late session of its former incarnation.

    The late session has a higher number than the others, so that only the incarnation can tell.
    """
    builder = Builder()
    builder.sign_in(LONG_AGO)
    late = builder.sign_in(LONG_AGO)
    builder.at(LONG_AGO).agents.delete(OWNER, DERIVED_ID)
    used = builder.sign_in(LONG_AGO)
    builder.put_back(late)
    return builder.world("created again", known=(used, late), used=used, other=late)


def former_incarnation() -> World:
    """The same, with the late session in use."""
    world = created_again()
    return replace(world, name="former incarnation", used=world.other, other=world.used)


def imported() -> World:
    """An imported agent that has never signed in, under an id that is not derived."""
    builder = Builder()
    item = {
        "agent_id": {"S": IMPORTED_ID},
        "owner": {"S": OWNER},
        "identity_key": {"S": identity.identity_key(NAME, None)},
        "agent_name": {"S": NAME},
        "created_at": {"N": str(LONG_AGO)},
        "last_active": {"N": str(LONG_AGO)},
    }
    builder.engine("PutItem", {"TableName": SETTINGS.agents_table, "Item": item})
    return builder.world("imported", agent_id=IMPORTED_ID)


def about_to_sweep() -> World:
    """The next sign-in is the 16th: there is a live session too many, and expired ones.

    One of these expires at ``NOW``: whose clock is behind can still use it.
    """
    builder = Builder(replace(SETTINGS, max_sessions_per_agent=LIMIT))
    for _ in range(11):
        made = builder.sign_in(LONG_AGO)
        builder.at(LONG_AGO).sessions.sign_out(made.session_token)
    expired = builder.sign_in(NOW - 10_000)
    expiring = builder.sign_in(NOW - SETTINGS.touch_interval - 700, idle_seconds=700)
    used, other = builder.sign_in(LONG_AGO), builder.sign_in(RECENTLY)
    assert expiring.session.expires_at == NOW
    assert expired.session.expires_at < NOW
    return builder.world("about to sweep", known=(used, other, expiring), used=used, other=other)


def about_to_sweep_an_expiring_session() -> World:
    """The same, with the expiring session in use."""
    world = about_to_sweep()
    return replace(world, name="about to sweep an expiring session", used=world.known[2])


def used_by_a_fast_clock() -> World:
    """A session that was last used by a container whose clock is 5 s ahead."""
    builder = Builder()
    used = builder.sign_in(LONG_AGO)
    builder.at(NOW + 5).sessions.validate(used.session_token)
    return builder.world("used by a fast clock", known=(used,), used=used, other=used)


WORLDS: tuple[Callable[[], World], ...] = (
    no_agent,
    signed_in,
    signed_in_exclusively,
    late_session,
    blocked,
    created_again,
    former_incarnation,
    imported,
    about_to_sweep,
    about_to_sweep_an_expiring_session,
    used_by_a_fast_clock,
)
