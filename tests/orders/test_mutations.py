"""Each mutation of the service is found by the rules, in the orders of the operations that it names."""

import pytest

from tests.orders.container import deterministic
from tests.orders.mutations import MUTATIONS
from tests.orders.operations import operation
from tests.orders.proof import Proof
from tests.orders.writes import BrokenRuleError


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_breaks_a_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    with deterministic():
        world = mutation.make()
        operations = [
            operation(world, each, place, clock)
            for each, place, clock in zip(mutation.operations, "abc", mutation.clocks, strict=False)
        ]
        Proof(world).check(*operations)

        mutation.patch(monkeypatch)

        with pytest.raises(BrokenRuleError):
            Proof(world).check(*operations)
