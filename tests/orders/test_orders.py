"""No order of the database calls of two or three operations breaks a rule, whichever response is lost.

Sequences of calls are not sampled: every order is explored, in each world, for each combination of operations.
docs/reliability.md has the numbers.
"""

from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import pytest

from tests.orders.container import deterministic
from tests.orders.explorer import Fault
from tests.orders.operations import names, operation
from tests.orders.proof import Proof
from tests.orders.worlds import WORLDS, World, imported
from tests.support.length import by_length

# To follow every line takes twice as long, and other tests meet them all.
pytestmark = pytest.mark.no_cover

type Clocks = tuple[int, ...]

EQUAL: Clocks = (0, 0, 0)
# One container's clock is a second behind.
DIFFERENT: tuple[Clocks, ...] = ((0, -1), (-1, 0))
FAULTS: tuple[Fault, ...] = by_length((Fault.REPEATED,), tuple(Fault))

type Make = Callable[[], World]


def in_worlds(*makes: Make) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("make", makes, ids=lambda make: make.__name__)


@pytest.fixture(autouse=True)
def given_clocks() -> Iterator[None]:
    with deterministic():
        yield


def explore(make: Make, size: int, *clocks: Clocks, faults: int = 0) -> int:
    """Check every order of every combination of so many operations; return how many orders there were."""
    world = make()
    proof = Proof(world)
    for combination in combinations_with_replacement(names(world), size):
        for ahead in clocks:
            operations = [
                operation(world, name, place, clock)
                for name, place, clock in zip(combination, "abc", ahead, strict=False)
            ]
            proof.check(*operations, faults=faults, kinds=FAULTS)
    return proof.orders


@in_worlds(*WORLDS)
def test_two_operations_with_a_fault_at_every_call(make: Make) -> None:
    assert explore(make, 2, EQUAL, faults=1) > 10_000


@in_worlds(*by_length((imported,), WORLDS))
def test_two_operations_with_different_clocks(make: Make) -> None:
    assert explore(make, 2, *DIFFERENT, faults=by_length(0, 1)) > 3_000


@in_worlds(*by_length((imported,), WORLDS))
def test_two_operations_with_two_faults(make: Make) -> None:
    assert explore(make, 2, EQUAL, faults=2) > 100_000


@in_worlds(*by_length((imported,), WORLDS))
def test_three_operations(make: Make) -> None:
    assert explore(make, 3, EQUAL) > 1_000_000
