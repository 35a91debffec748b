"""What DynamoDB is asked and what that costs."""

from collections import Counter
from typing import Any


class Meter:
    """Adds up what DynamoDB reports as consumed, in read and write units, and the calls."""

    def __init__(self, *clients: Any) -> None:
        self.calls: list[str] = []
        self.units: Counter[str] = Counter()
        for client in clients:
            client.meta.events.register("provide-client-params.dynamodb", self._ask)
            client.meta.events.register("after-call.dynamodb", self._read)

    def reset(self) -> None:
        """Begin anew."""
        self.calls.clear()
        self.units.clear()

    @property
    def spent(self) -> tuple[list[str], float, float]:
        """The calls by name, in order; the read units; the write units."""
        return list(self.calls), self.units["read"], self.units["write"]

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        # Making and deleting a table has no price and no such parameter.
        priced = "ReturnConsumedCapacity" in model.input_shape.members
        return params | {"ReturnConsumedCapacity": "INDEXES"} if priced else params

    def _read(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        self.calls.append(model.name)
        consumed = parsed.get("ConsumedCapacity", [])
        kind = "read" if model.name in ("GetItem", "Query", "Scan") else "write"
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.units[kind] += each["CapacityUnits"]
