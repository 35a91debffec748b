"""Two operations on one agent at once: whatever the order of their calls, the outcome is that of one after the other.

Every pair of operations runs in every order of their calls on DynamoDB Local, also if a write loses its response and
is repeated. Afterwards the agent is brought to where a session that should be dead would show: a blocked agent is
unblocked, a deleted one signs in again, and an interval later every token is used.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pytest

from agent_sessions.domain.models import SignedIn
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.transport import Transport
from agent_sessions.errors import AgentSessionsError, DatabaseError, InvalidSessionError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.services.sweep import SIGN_INS_PER_SWEEP
from tests.conftest import FrozenClock
from tests.support.database import OWNER, Database, NewClient
from tests.support.length import by_length
from tests.support.steps import Action, Run, Steps

START = 1_800_000_000
INTERVAL, TOUCH = 300, 60
ORDERS = by_length(8, None)  # of each pair; None is all

# To follow every line takes as long again, and other tests meet them all.
pytestmark = pytest.mark.no_cover


@pytest.fixture
def new_client(new_fast_client: NewClient) -> NewClient:
    return new_fast_client


@dataclass(frozen=True)
class Container:
    """The services of one container, which sweep only if told to."""

    sessions: SessionService
    agents: AgentService
    roster: RosterService
    sweeping: SessionService

    @classmethod
    def over(cls, transport: Transport, database: Database) -> "Container":
        tables = database.tables(transport)
        settings, sweeping = (replace(database.settings, max_sessions_per_agent=limit) for limit in (0, 1))
        return cls(
            SessionService(tables, settings),
            AgentService(tables, settings),
            RosterService(tables, settings),
            SessionService(tables, sweeping),
        )


# Each acts on an agent that has one session, whose next use is the first in five minutes.
type Names = tuple[str, str]
type Operation = Callable[[Container, SignedIn], object]

OPERATIONS: dict[str, Operation] = {
    "sign-in": lambda it, made: it.sessions.sign_in(made.session.owner, made.session.agent_name),
    "exclusive": lambda it, made: it.sessions.sign_in(made.session.owner, made.session.agent_name, exclusive=True),
    "sweep": lambda it, made: it.sweeping.sign_in(made.session.owner, made.session.agent_name),
    "touch": lambda it, made: it.sessions.validate(made.session_token),
    "progress": lambda it, made: it.sessions.report_progress(made.session_token, {"state": "working"}),
    "sign-out": lambda it, made: it.sessions.sign_out(made.session_token),
    "block": lambda it, made: it.agents.block(made.session.owner, made.session.agent_id),
    "unblock": lambda it, made: it.agents.unblock(made.session.owner, made.session.agent_id),
    "delete": lambda it, made: it.agents.delete(made.session.owner, made.session.agent_id),
    "end-all": lambda it, made: it.agents.end_all_sessions(made.session.owner, made.session.agent_id),
    "end-owner": lambda it, made: it.roster.end_all_sessions(made.session.owner),
}
SIGN_INS = ("sign-in", "exclusive", "sweep")
USES = ("touch", "progress")


@dataclass(frozen=True)
class Outcome:
    """What two operations led to.

    Args:
        results: What the agent's own operations returned: ``ok`` or the name of an error. Owners' operations
            return the same whichever was first.
        is_blocked: Whether the agent is blocked; None if it does not exist.
        alive: The sessions that are live in the end: ``s`` is the first one, the others are named by their client.
    """

    results: tuple[str, ...]
    is_blocked: bool | None
    alive: frozenset[str]


class Pair:
    """Two operations, and everything that a run of them needs.

    Args:
        database: The tables.
        clock: The clock of all containers.
        names: Their names.
        starts_blocked: Whether the agent is blocked at first, so that its session has ended.
    """

    def __init__(self, database: Database, clock: FrozenClock, names: Names, *, starts_blocked: bool) -> None:
        self._database, self._clock, self._starts_blocked = database, clock, starts_blocked
        self._names = names
        self._steps = Steps(losses=1)
        self._plain = Container.over(BotocoreTransport(database.client), database)
        self._directed = {
            client: Container.over(self._steps.direct(client, BotocoreTransport(database.new_client())), database)
            for client in "ab"
        }
        self._numbers = itertools.count()
        self._made: SignedIn

    def begin(self) -> dict[str, Action]:
        """Prepare another agent; return the two operations, to be run at the same time."""
        self._prepare()
        return {
            client: partial(OPERATIONS[name], self._directed[client], self._made)
            for client, name in zip("ab", self._names, strict=True)
        }

    def orders(self) -> Iterator[Run]:
        if ORDERS is None:
            return self._steps.every_order(self.begin)
        return self._steps.random_orders(self.begin, count=ORDERS, seed=" ".join(self._names))

    def outcome(self, results: Mapping[str, object]) -> Outcome:
        """Bring the agent to where a session that should be dead would show; return what is live then."""
        owner, agent_id = self._made.session.owner, self._made.session.agent_id
        tables = self._plain.agents.tables
        agent = tables.agents.get_agent(agent_id)
        later = None
        self._clock.tick(INTERVAL + TOUCH)
        if agent is None:
            later = self._plain.sessions.sign_in(owner, self._made.session.agent_name)
        elif agent.blocked:
            self._plain.agents.unblock(owner, agent_id)

        tokens = {"s": self._made} | {name: each for name, each in results.items() if isinstance(each, SignedIn)}
        alive = {name: each for name, each in tokens.items() if self._is_live(each)}
        stored, _ = tables.sessions.first_sessions_of(agent_id, limit=100)
        # Every session that should be dead was healed: nothing is left that nothing ends.
        left = {each.session_id for each in stored} - ({later.session.session_id} if later else set())
        assert left == {each.session.session_id for each in alive.values()}
        return Outcome(
            tuple(self._result(client, results[client]) for client in "ab"),
            None if agent is None else agent.blocked,
            frozenset(alive),
        )

    def allowed(self) -> set[Outcome]:
        """Return the outcomes of one operation after the other, and what else the contract allows."""
        # A sweep ends no session that was used since it was read, and may lose its claim: then it is a sign-in.
        variants = itertools.product(*((name, "sign-in") if name == "sweep" else (name,) for name in self._names))
        outcomes = {self._serial(names, order) for names in variants for order in ("ab", "ba")}
        for client, name, other in zip("ab", self._names, reversed(self._names), strict=True):
            if name in SIGN_INS and other == "delete":
                # A deletion blocks the agent first, which refuses the sign-in.
                outcomes.add(Outcome(_failed(client, "AgentBlockedError"), is_blocked=None, alive=frozenset()))
            if name == "delete" and other == "unblock":
                # Unblocked meanwhile, so it is kept.
                outcomes.add(Outcome(_failed(client, "DatabaseError"), is_blocked=False, alive=frozenset()))
        return outcomes

    def _serial(self, names: Sequence[str], order: str) -> Outcome:
        self._prepare()
        results: dict[str, object] = {}
        for client in order:
            try:
                results[client] = OPERATIONS[names["ab".index(client)]](self._plain, self._made)
            except AgentSessionsError as error:
                results[client] = error
        return self.outcome(results)

    def _prepare(self) -> None:
        self._clock.time = START
        # An owner of its own, because one of the operations ends all sessions of an owner.
        self._made = self._plain.sessions.sign_in(f"{OWNER}/{next(self._numbers)}", "Agent")
        if "sweep" in self._names:
            self._database.count_sign_ins(self._made.session.agent_id, SIGN_INS_PER_SWEEP - 1)
        if self._starts_blocked:
            self._plain.agents.block(self._made.session.owner, self._made.session.agent_id)
        self._clock.tick(INTERVAL)

    def _is_live(self, made: SignedIn) -> bool:
        try:
            self._plain.sessions.validate(made.session_token)
        except InvalidSessionError:
            return False
        return True

    def _result(self, client: str, result: object) -> str:
        is_of_the_agent = self._names["ab".index(client)] in (*SIGN_INS, *USES)
        if isinstance(result, DatabaseError) or (is_of_the_agent and isinstance(result, AgentSessionsError)):
            return type(result).__name__
        return "ok"


def _failed(client: str, error: str) -> tuple[str, ...]:
    """Return the results if this client's operation fails."""
    return tuple(error if each == client else "ok" for each in "ab")


PAIRS = [
    pytest.param((one, other), blocked, id=f"{one}-{other}{'-from-blocked' if blocked else ''}")
    for one, other in itertools.combinations_with_replacement(OPERATIONS, 2)
    for blocked in ((False, True) if "unblock" in (one, other) else (False,))
]


@pytest.mark.parametrize(("names", "starts_blocked"), PAIRS)
def test_concurrent_operations_end_as_one_after_the_other(
    database: Database, frozen: FrozenClock, names: Names, starts_blocked: bool
) -> None:
    pair = Pair(database, frozen, names, starts_blocked=starts_blocked)
    allowed = pair.allowed()

    for run in pair.orders():
        outcome = pair.outcome(dict(run.results))
        assert outcome in allowed, f"{run}\n{outcome}\ninstead of {allowed}"
