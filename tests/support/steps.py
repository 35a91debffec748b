"""Runs the DynamoDB calls of several services in a given order, so that a race needs no luck."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import TYPE_CHECKING, Any

from agent_sessions.errors import InvalidSessionError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Only a wrong order waits this long.
TURN_SECONDS = 60


class Steps:
    """Lets clients make one call at a time, in a given order; a client without further calls loses its turns."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._order: list[str] = []
        self._busy = False
        self.made: list[tuple[str, str]] = []

    def direct(self, name: str, client: "DynamoDBClient") -> None:
        """Control the calls of a client under a one-letter name."""
        events: Any = client.meta.events
        events.register("before-call.dynamodb", lambda model, **_: self._begin(name, model.name))
        events.register("after-call.dynamodb", lambda **_: self._end())

    def run(self, order: str, **actions: Callable[[], object]) -> dict[str, object]:
        """Run the actions of the named clients, whose letters in ``order`` stand for their calls."""
        self._order, self._busy, self.made = list(order), False, []
        with ThreadPoolExecutor(len(actions)) as pool:
            futures = {name: pool.submit(self._act, name, action) for name, action in actions.items()}
            return {name: future.result() for name, future in futures.items()}

    def _act(self, name: str, action: Callable[[], object]) -> object:
        try:
            return action()
        except InvalidSessionError as error:
            return error
        finally:
            with self._turn:
                self._order = [each for each in self._order if each != name]
                self._turn.notify_all()

    def _begin(self, name: str, call: str) -> None:
        with self._turn:
            # A call beyond the order never gets a turn, and fails the test.
            has_turn = self._turn.wait_for(lambda: not self._busy and self._order[:1] == [name], TURN_SECONDS)
            assert has_turn, f"{call} of {name} is not in the order; made so far: {self.made}"
            self._order.pop(0)
            self._busy = True
            self.made.append((name, call))

    def _end(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()


def orders(**calls: int) -> Iterator[str]:
    """Yield every order of the calls of two clients, given as ``a=3, b=2``."""
    (first, first_calls), (second, second_calls) = calls.items()
    total = first_calls + second_calls
    for places in combinations(range(total), first_calls):
        yield "".join(first if place in places else second for place in range(total))
