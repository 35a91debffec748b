"""Runs the DynamoDB calls of several clients in every order, one call at a time, so that a race needs no luck."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from agent_sessions.dynamodb.transport import ConditionFailedError, DynamoResponse, Request, Transport
from agent_sessions.errors import AgentSessionsError

# Only a client that hangs waits this long.
TURN_SECONDS = 60
READS = ("GetItem", "BatchGetItem", "Query", "Scan")

type Action = Callable[[], object]
type Choose = Callable[[int, tuple[Choice, ...]], Choice]
"""Chooses the next call, given how many were made and what is possible."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which client makes its next call, and whether the response is lost, so that the client repeats the call."""

    client: str
    is_lost: bool = False

    def __str__(self) -> str:
        return f"{self.client} (response lost)" if self.is_lost else self.client


@dataclass(frozen=True, slots=True)
class Step:
    """A call that was made, the choice that led to it, and the choices that were possible."""

    choice: Choice
    operation: str
    possible: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One order of calls, and what each client's action returned, or the error of this package that it raised."""

    steps: tuple[Step, ...]
    results: Mapping[str, object]

    @property
    def calls(self) -> list[tuple[str, str]]:
        """The client and the operation of each call, in order."""
        return [(each.choice.client, each.operation) for each in self.steps]

    def __str__(self) -> str:
        return ", ".join(f"{each.choice}: {each.operation}" for each in self.steps)


class Steps:
    """Lets one client at a time make one call.

    Args:
        losses: How many writes of a run lose their response. A read whose response is lost is a later read.
    """

    def __init__(self, *, losses: int = 0) -> None:
        self._losses = losses
        self._turn = threading.Condition()
        self._running: set[str] = set()
        self._waiting: dict[str, str] = {}
        self._chosen: Choice | None = None

    def direct(self, client: str, transport: Transport) -> Transport:
        """Return a transport whose calls wait until it is the client's turn."""

        def wait_and_call(operation: str, request: Request) -> DynamoResponse:
            while self._wait(client, operation).is_lost:
                self._call_in_vain(transport, operation, request)
            return transport(operation, request)

        return wait_and_call

    def every_order(self, begin: Callable[[], Mapping[str, Action]]) -> Iterator[Run]:
        """Run the actions of all clients in every order of their calls.

        Args:
            begin: Prepares a run, whose calls must not meet those of another run, and returns each client's action.
        """
        left: list[tuple[Choice, ...]] = [()]
        while left:
            beginning = left.pop()
            run = self._run(begin(), partial(_continue, beginning))
            made = tuple(step.choice for step in run.steps)
            for place in range(len(beginning), len(made)):
                left += ((*made[:place], other) for other in run.steps[place].possible if other != made[place])
            yield run

    def random_orders(self, begin: Callable[[], Mapping[str, Action]], *, count: int, seed: str) -> Iterator[Run]:
        """Run the actions in so many orders, the same ones for the same seed."""
        choices = random.Random(seed)  # noqa: S311
        for _ in range(count):
            yield self._run(begin(), lambda _, possible: choices.choice(possible))

    def _run(self, actions: Mapping[str, Action], choose: Choose) -> Run:
        steps: list[Step] = []
        self._running, self._waiting, self._chosen = set(actions), {}, None
        with ThreadPoolExecutor(len(actions)) as pool:
            futures = {client: pool.submit(self._act, client, action) for client, action in actions.items()}
            while possible := self._possible(sum(step.choice.is_lost for step in steps)):
                choice = choose(len(steps), possible)
                steps.append(Step(choice, self._waiting[choice.client], possible))
                self._grant(choice)
            return Run(tuple(steps), {client: future.result() for client, future in futures.items()})

    def _act(self, client: str, action: Action) -> object:
        try:
            return action()
        except AgentSessionsError as error:
            return error
        finally:
            with self._turn:
                self._running.discard(client)
                self._turn.notify_all()

    def _possible(self, lost: int) -> tuple[Choice, ...]:
        """Wait until every client waits for its turn or has finished; return what can be chosen."""
        with self._turn:
            assert self._turn.wait_for(lambda: not self._running, TURN_SECONDS), f"{self._running} hang"
            choices = []
            for client, operation in sorted(self._waiting.items()):
                choices.append(Choice(client))
                if lost < self._losses and operation not in READS:
                    choices.append(Choice(client, is_lost=True))
            return tuple(choices)

    def _grant(self, choice: Choice) -> None:
        with self._turn:
            self._chosen = choice
            self._running.add(choice.client)
            self._turn.notify_all()

    def _wait(self, client: str, operation: str) -> Choice:
        with self._turn:
            self._waiting[client] = operation
            self._running.discard(client)
            self._turn.notify_all()
            has_turn = self._turn.wait_for(lambda: self._chosen and self._chosen.client == client, TURN_SECONDS)
            assert has_turn, f"{client} never had its turn"
            choice, self._chosen = self._chosen, None
            assert choice
            del self._waiting[client]
            return choice

    @staticmethod
    def _call_in_vain(transport: Transport, operation: str, request: Request) -> None:
        """Make a call whose response never arrives."""
        with suppress(ConditionFailedError):
            transport(operation, request)


def _continue(beginning: tuple[Choice, ...], made: int, possible: tuple[Choice, ...]) -> Choice:
    """Repeat the beginning of a run, and go on with the first choice that is possible."""
    if made >= len(beginning):
        return possible[0]
    assert beginning[made] in possible, "the same calls in the same order have the same outcome"
    return beginning[made]
