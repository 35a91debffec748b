"""Drives the calls of several services in a given order, so that no race is left to luck."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import TYPE_CHECKING, Any

from agent_sessions.errors import InvalidSessionError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PATIENCE_SECONDS = 30


class Steps:
    """Lets clients make one call at a time, in a given order; one that has no more calls is passed over."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._order: list[str] = []
        self._busy = False
        self.made: list[tuple[str, str]] = []

    def direct(self, who: str, client: "DynamoDBClient") -> None:
        events: Any = client.meta.events
        events.register("before-call.dynamodb", lambda model, **_: self._begin(who, model.name))
        events.register("after-call.dynamodb", lambda **_: self._end())

    def run(self, order: str, **actions: Callable[[], object]) -> dict[str, object]:
        """Run the actions, each under the letter that stands for its calls in ``order``."""
        self._order, self._busy, self.made = list(order), False, []
        with ThreadPoolExecutor(len(actions)) as pool:
            futures = {who: pool.submit(self._act, who, action) for who, action in actions.items()}
            return {who: future.result() for who, future in futures.items()}

    def _act(self, who: str, action: Callable[[], object]) -> object:
        try:
            return action()
        except InvalidSessionError as error:
            return error
        finally:
            with self._turn:
                self._order = [each for each in self._order if each != who]
                self._turn.notify_all()

    def _begin(self, who: str, call: str) -> None:
        with self._turn:
            # A call that the order does not foresee never gets its turn, and fails the test.
            mine = self._turn.wait_for(lambda: not self._busy and self._order[:1] == [who], PATIENCE_SECONDS)
            assert mine, f"{call} of {who} is not in the order; made so far: {self.made}"
            self._order.pop(0)
            self._busy = True
            self.made.append((who, call))

    def _end(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()


def orders(**calls: int) -> Iterator[str]:
    """Every order of the calls of two, each a letter with so many calls."""
    (one, ones), (other, others) = calls.items()
    for places in combinations(range(ones + others), ones):
        yield "".join(one if place in places else other for place in range(ones + others))
