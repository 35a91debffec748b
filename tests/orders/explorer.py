"""Every order of the database calls of several operations, without threads and without luck.

The next call of an operation depends only on the responses to its earlier calls, because clock and random numbers are
given. So an operation is a tree: a response leads from each call to the next one, or to what the operation returns.
The real service grows these trees, by running again with the responses so far. Orders that lead to the same items and
to the same places in the trees go on alike, so they are followed once, and counted all.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agent_sessions.domain.models import Agent, Session
from agent_sessions.dynamodb.items import read_agent, read_session
from agent_sessions.dynamodb.transport import ConditionFailedError, DynamoResponse, Request
from agent_sessions.errors import DatabaseError
from agent_sessions.settings import Settings
from tests.orders.container import HERE, Services
from tests.support.memory_engine import Items, MemoryEngine, State, Table

CONDITION_FAILED = "condition failed"
UNAVAILABLE = "unavailable"


class Fault(StrEnum):
    """What happens to a call."""

    REPEATED = "applied, response lost, sent again"
    UNKNOWN = "applied, response lost, no time left"
    FAILED = "not applied"


type Use = tuple[int, Callable[[Services], object]]
"""What a container does, and the time on its clock."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of one container: what it does, and the time on its clock."""

    name: str
    act: Callable[[Services], object]
    now: int
    seed: str


@dataclass(eq=False, slots=True)
class Call:
    """A call of an operation; equal calls are one object."""

    operation: str
    request: Request

    @property
    def is_eventually_consistent(self) -> bool:
        return self.operation in ("GetItem", "Query", "BatchGetItem") and not self.request.get("ConsistentRead")


@dataclass(eq=False, slots=True)
class Place:
    """A place in the tree of an operation: its next call, or what it returned or raised."""

    replies: tuple["Reply", ...]
    call: Call | None
    result: object = None
    following: dict["Reply", "Place"] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Reply:
    """What a call led to: the fields of a response, or the name of an error; equal replies are one object."""

    content: dict[str, Any] | str


@dataclass(eq=False, slots=True)
class Stored:
    """The items of both tables at one moment, and what they are read as; equal states are one object."""

    state: State
    agents: dict[str, Agent]
    sessions: dict[str, Session]

    @classmethod
    def of(cls, state: State, settings: Settings) -> "Stored":
        """Read the items."""
        agents = (read_agent(item) for item in state[settings.agents_table].values())
        sessions = (read_session(item) for item in state[settings.sessions_table].values())
        return cls(
            state,
            {each.agent_id: each for each in agents if each},
            {each.session_id: each for each in sessions if each},
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What some orders led to.

    Args:
        operations: The operations.
        results: What each returned or raised.
        after: For each operation, which ended before it began.
        stored: The items at the end.
        faults: How many faults there were.
        path: One of the orders.
    """

    operations: tuple[Operation, ...]
    results: tuple[object, ...]
    after: tuple[frozenset[int], ...]
    stored: Stored
    faults: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exploration:
    """How many orders there are, and what they led to."""

    orders: int
    outcomes: tuple[Outcome, ...]


class _NextCall(BaseException):
    """Stops an operation at the first call whose response is not known yet; nothing may handle it."""

    def __init__(self, operation: str, request: Request) -> None:
        self.operation = operation
        self.request = request


class _Script:
    """A transport that gives the replies of one path through a tree."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = iter(replies)

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        reply = next(self._replies, None)
        if reply is None:
            raise _NextCall(operation, request)
        if reply.content == CONDITION_FAILED:
            raise ConditionFailedError
        if reply.content == UNAVAILABLE:
            raise DatabaseError(operation)
        assert isinstance(reply.content, dict)
        return DynamoResponse(operation, reply.content)


class Explorer:
    """Explores operations that begin with the same items; what one exploration learns helps the next.

    Args:
        state: The items.
        settings: The settings of the service.
        check_write: Called with the items of a table before and after each write; raises if they break a rule.
    """

    def __init__(self, state: State, settings: Settings, check_write: Callable[[str, Items, Items], None]) -> None:
        self.settings = settings
        self._check_write = check_write
        self._engine = MemoryEngine(
            Table.of("AgentsTable", settings.agents_table), Table.of("SessionsTable", settings.sessions_table)
        )
        self._interned: dict[str, Any] = {}
        self._roots: dict[tuple[str, int, str], Place] = {}
        self._applied: dict[tuple[Stored, Call, Stored | None], tuple[Reply, Stored]] = {}
        self.first = self.stored(state)

    def stored(self, state: State) -> Stored:
        """Return the one object for these items."""
        keyed = {table: sorted((list(key), item) for key, item in items.items()) for table, items in state.items()}
        return self._intern("state", keyed, lambda: Stored.of(state, self.settings))

    def run(self, stored: Stored, *uses: Use) -> Stored:
        """Run uses one after the other; return the items after them. What they raise is raised."""
        self._engine.state, self._engine.seen = stored.state, None
        for number, (now, act) in enumerate(uses):
            HERE.enter(now, f"later {number}")
            act(Services.over(self._engine, self.settings))
        return self.stored(self._engine.state)

    def explore(self, *operations: Operation, faults: int = 0, kinds: Sequence[Fault] = tuple(Fault)) -> Exploration:
        """Explore every order of the calls, with up to ``faults`` of these kinds in each."""
        walk = _Walk(self, operations, faults, kinds)
        orders = walk.follow(
            self.first, tuple(self.root(each) for each in operations), faults, (None,) * len(operations)
        )
        return Exploration(orders, tuple(walk.outcomes))

    # -- what a walk needs

    def root(self, operation: Operation) -> Place:
        """Return where an operation begins."""
        key = (operation.name, operation.now, operation.seed)
        if key not in self._roots:
            self._roots[key] = self._grow(operation, ())
        return self._roots[key]

    def follow(self, operation: Operation, place: Place, reply: Reply) -> Place:
        """Return where a reply leads."""
        if reply not in place.following:
            place.following[reply] = self._grow(operation, (*place.replies, reply))
        return place.following[reply]

    def apply(self, stored: Stored, call: Call, seen: Stored | None) -> tuple[Reply, Stored]:
        """Apply a call to items; an eventually consistent read sees ``seen``."""
        key = (stored, call, seen)
        if key not in self._applied:
            self._engine.state, self._engine.seen = stored.state, None if seen is None else seen.state
            content: dict[str, Any] | str
            try:
                content = self._engine(call.operation, call.request)
            except ConditionFailedError:
                content = CONDITION_FAILED
            after = stored if self._engine.state is stored.state else self.stored(self._engine.state)
            for table, items in stored.state.items():
                if items is not after.state[table]:
                    self._check_write(table, items, after.state[table])
            self._applied[key] = self.reply(content), after
        return self._applied[key]

    def reply(self, content: dict[str, Any] | str) -> Reply:
        """Return the one object for a reply."""
        return self._intern("reply", content, lambda: Reply(content))

    def _grow(self, operation: Operation, replies: tuple[Reply, ...]) -> Place:
        HERE.enter(operation.now, operation.seed)
        try:
            result = operation.act(Services.over(_Script(replies), self.settings))
        except _NextCall as next_call:
            name, request = next_call.operation, next_call.request
            return Place(replies, self._intern("call", [name, request], lambda: Call(name, request)))
        except TypeError:  # a mutation that does not fit the service any more would break every rule
            raise
        except Exception as error:  # noqa: BLE001  the rules judge it
            return Place(replies, None, error)
        return Place(replies, None, result)

    def _intern[T](self, kind: str, content: object, make: Callable[[], T]) -> T:
        key = f"{kind} {json.dumps(content, sort_keys=True)}"
        if key not in self._interned:
            self._interned[key] = make()
        made: T = self._interned[key]
        return made


type _After = tuple[frozenset[int] | None, ...]


class _Walk:
    """One exploration; recursive, one level per call."""

    def __init__(
        self, explorer: Explorer, operations: tuple[Operation, ...], faults: int, kinds: Sequence[Fault]
    ) -> None:
        self._explorer = explorer
        self._operations = operations
        self._faults = faults
        self._kinds = kinds
        self._unavailable = explorer.reply(UNAVAILABLE)
        self._orders: dict[tuple[Stored, tuple[Place, ...], int, _After], int] = {}
        self._path: list[str] = []
        self.outcomes: list[Outcome] = []

    def follow(self, stored: Stored, places: tuple[Place, ...], left: int, after: _After) -> int:
        """Follow every order from here; return how many there are."""
        key = (stored, places, left, after)
        if key in self._orders:
            return self._orders[key]
        orders = 0
        for number, place in enumerate(places):
            if place.call is None:
                continue
            begun = after
            if after[number] is None:
                ended = frozenset(other for other, each in enumerate(places) if each.call is None)
                begun = (*after[:number], ended, *after[number + 1 :])
            for text, then, next_place, fewer in self._moves(stored, number, place, left):
                self._path.append(text)
                orders += self.follow(then, (*places[:number], next_place, *places[number + 1 :]), fewer, begun)
                self._path.pop()
        if all(each.call is None for each in places):
            orders = 1
            self.outcomes.append(
                Outcome(
                    self._operations,
                    tuple(each.result for each in places),
                    tuple(each or frozenset() for each in after),
                    stored,
                    self._faults - left,
                    tuple(self._path),
                )
            )
        self._orders[key] = orders
        return orders

    def _moves(self, stored: Stored, number: int, place: Place, left: int) -> Iterator[tuple[str, Stored, Place, int]]:
        explorer, operation, call = self._explorer, self._operations[number], place.call
        assert call is not None
        text = f"{operation.seed}:{call.operation}"
        reply, then = explorer.apply(stored, call, None)
        yield text, then, explorer.follow(operation, place, reply), left
        if call.is_eventually_consistent and stored is not explorer.first:
            stale, _ = explorer.apply(stored, call, explorer.first)
            if stale is not reply:
                yield f"{text} (stale)", stored, explorer.follow(operation, place, stale), left
        if left:
            for kind in self._kinds:
                after = stored if kind is Fault.FAILED else then
                to = place if kind is Fault.REPEATED else explorer.follow(operation, place, self._unavailable)
                yield f"{text} ({kind})", after, to, left - 1
