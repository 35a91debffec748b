"""Counts the calls of DynamoDB, and the capacity that they consume."""

from typing import Any


class Meter:
    """Adds up the calls of botocore clients, and the read and write units that they consume; safe with threads.

    Args:
        clients: DynamoDB clients of botocore.
    """

    def __init__(self, *clients: Any) -> None:
        self.calls: list[str] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []  # operations, and their parameters
        self._consumed: list[tuple[str, float]] = []
        for client in clients:
            client.meta.events.register("before-parameter-build.dynamodb", self._ask)
            client.meta.events.register("after-call.dynamodb", self._read)

    def reset(self) -> None:
        """Start again from zero."""
        self.calls.clear()
        self.requests.clear()
        self._consumed.clear()

    @property
    def spent(self) -> tuple[list[str], float, float]:
        """The calls by name, in order; the read units; the write units."""
        return list(self.calls), self._units("read"), self._units("write")

    def _units(self, kind: str) -> float:
        return sum(units for each, units in self._consumed if each == kind)

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.requests.append((model.name, dict(params)))
        # Creating and deleting a table is free, and has no such parameter.
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "INDEXES"

    def _read(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        self.calls.append(model.name)
        consumed = parsed.get("ConsumedCapacity", [])
        kind = "read" if model.name in ("GetItem", "BatchGetItem", "Query", "Scan") else "write"
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self._consumed.append((kind, each["CapacityUnits"]))
