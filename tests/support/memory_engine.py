"""DynamoDB in memory, deterministic and fast: a ``Transport`` that evaluates each request, not each method.

It supports what the tables of the package send, except Scan, and raises UnsupportedError for anything else, so that
it cannot misread a request. tests/dynamodb/test_memory_engine.py compares its responses with those of DynamoDB Local
and moto.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from agent_sessions.dynamodb.transport import ConditionFailedError, DynamoResponse, Request
from tests.support.expressions import (
    Bindings,
    Item,
    UnsupportedError,
    parse_condition,
    parse_update,
    placeholders,
)
from tools.cloudformation import table_definition

# A real page ends at 1 MB, and an item has at most 4 KB.
MAX_ITEMS_PER_PAGE = 250

type Key = tuple[str, ...]
type Items = Mapping[Key, Item]
type State = Mapping[str, Items]
"""The items of each table by their keys. No state is ever changed: a write makes another."""


@dataclass(frozen=True, slots=True)
class Index:
    """The keys of a table or an index, and which attributes it returns; None returns all."""

    keys: tuple[str, ...]
    attributes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of template.yaml."""

    name: str
    primary: Index
    indexes: Mapping[str, Index]

    @classmethod
    def of(cls, logical_id: str, name: str) -> Self:
        """Return the table that the template defines, under a name."""
        definition: dict[str, Any] = table_definition(logical_id)
        primary = Index(_key_names(definition["KeySchema"]))
        indexes = {}
        for each in definition["GlobalSecondaryIndexes"]:
            keys, projection = _key_names(each["KeySchema"]), each["Projection"]
            if projection["ProjectionType"] not in ("KEYS_ONLY", "INCLUDE"):
                raise UnsupportedError(projection["ProjectionType"])
            attributes = frozenset((*keys, *primary.keys, *projection.get("NonKeyAttributes", ())))
            indexes[each["IndexName"]] = Index(keys, attributes)
        return cls(name, primary, indexes)

    def key(self, attributes: Item) -> Key:
        """Return the key of an item."""
        if any("S" not in attributes[name] for name in self.primary.keys):
            raise UnsupportedError("a key that is not a string")
        return tuple(attributes[name]["S"] for name in self.primary.keys)


def _key_names(schema: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(each["AttributeName"] for each in schema)


class MemoryEngine:
    """Tables in memory.

    Args:
        tables: The tables.

    Attributes:
        state: The items. Setting it to an earlier one takes back every write since.
        seen: What eventually consistent reads see, an earlier state; None is the present one.
    """

    def __init__(self, *tables: Table) -> None:
        self._tables = {each.name: each for each in tables}
        self.state: State = {each.name: {} for each in tables}
        self.seen: State | None = None
        self._operations: dict[str, Callable[..., dict[str, Any]]] = {
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "DeleteItem": self._delete,
            "GetItem": self._get,
            "PutItem": self._put,
            "Query": self._query,
            "UpdateItem": self._update,
        }

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        """Call DynamoDB: see ``Transport``."""
        if operation not in self._operations:
            raise UnsupportedError(operation)
        try:
            fields = self._operations[operation](**request)
        except TypeError as error:  # a parameter that the operation does not know
            raise UnsupportedError(f"{operation}: {error}") from error
        return DynamoResponse(operation, fields)

    # -- reads

    def _get(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:
        item = self._readable(TableName, consistent=ConsistentRead).get(self._tables[TableName].key(Key))
        return {} if item is None else {"Item": item}

    def _batch_get(self, *, RequestItems: Mapping[str, Mapping[str, Sequence[Item]]]) -> dict[str, Any]:
        responses = {}
        for name, request in RequestItems.items():
            if set(request) != {"Keys"}:
                raise UnsupportedError(f"BatchGetItem: {sorted(request)}")
            items, keys = self._readable(name, consistent=False), _distinct(self._tables[name], request["Keys"], 100)
            responses[name] = [items[key] for key in keys if key in items]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        IndexName: str | None = None,
        FilterExpression: str | None = None,
        ConsistentRead: bool = False,
        ExclusiveStartKey: Item | None = None,
        Limit: int | None = None,
        Select: str | None = None,
    ) -> dict[str, Any]:
        if IndexName is not None and ConsistentRead:
            raise UnsupportedError("an index is read eventually consistent only")
        if Select not in (None, "COUNT"):
            raise UnsupportedError(f"Select={Select}")
        table = self._tables[TableName]
        index = table.primary if IndexName is None else table.indexes[IndexName]
        bindings = _bindings(
            ExpressionAttributeNames, ExpressionAttributeValues, KeyConditionExpression, FilterExpression
        )
        in_key = parse_condition(KeyConditionExpression)
        # The order of entries with equal keys is DynamoDB's own; here it is that of the table.
        order = tuple(dict.fromkeys((*index.keys[1:], *table.primary.keys)))
        items = sorted(
            (
                each
                for each in self._readable(TableName, consistent=ConsistentRead).values()
                if all(name in each for name in index.keys) and in_key(each, bindings)
            ),
            key=lambda item: _place(item, order),
        )
        if ExclusiveStartKey is not None:
            start = _place(ExclusiveStartKey, order)
            items = [each for each in items if _place(each, order) > start]
        if Limit is None and len(items) > MAX_ITEMS_PER_PAGE:
            raise UnsupportedError("DynamoDB might end this page at 1 MB")
        page = items if Limit is None else items[:Limit]
        found = page
        if FilterExpression is not None:
            matches = parse_condition(FilterExpression)
            found = [each for each in page if matches(each, bindings)]
        response: dict[str, Any] = {"Count": len(found), "ScannedCount": len(page)}
        if Select is None:
            response["Items"] = [_projected(each, index.attributes) for each in found]
        if len(page) == Limit:
            names = {*index.keys, *table.primary.keys}
            response["LastEvaluatedKey"] = {name: page[-1][name] for name in names}
        return response

    def _readable(self, table: str, *, consistent: bool) -> Items:
        return (self.state if consistent or self.seen is None else self.seen)[table]

    # -- writes

    def _put(self, *, TableName: str, Item: Item) -> dict[str, Any]:
        self._write(TableName, {self._tables[TableName].key(Item): Item})
        return {}

    def _batch_write(self, *, RequestItems: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
        for name, requests in RequestItems.items():
            if any(set(each) != {"DeleteRequest"} for each in requests):
                raise UnsupportedError("BatchWriteItem only deletes")
            keys = _distinct(self._tables[name], [each["DeleteRequest"]["Key"] for each in requests], 25)
            self._write(name, dict.fromkeys(keys))
        return {"UnprocessedItems": {}}

    def _update(
        self,
        *,
        TableName: str,
        Key: Item,
        UpdateExpression: str,
        ConditionExpression: str,
        ExpressionAttributeValues: Item | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ReturnValues: str = "NONE",
    ) -> dict[str, Any]:
        key = self._tables[TableName].key(Key)
        bindings = _bindings(ExpressionAttributeNames, ExpressionAttributeValues, ConditionExpression, UpdateExpression)
        item = self.state[TableName].get(key, {})
        if not parse_condition(ConditionExpression)(item, bindings):
            raise ConditionFailedError
        changed = parse_update(UpdateExpression).apply(item or Key, bindings)
        if self._tables[TableName].key(changed) != key:
            raise UnsupportedError("an update of a key")
        self._write(TableName, {key: changed})
        return _returned(ReturnValues, "ALL_NEW", changed)

    def _delete(
        self,
        *,
        TableName: str,
        Key: Item,
        ConditionExpression: str | None = None,
        ExpressionAttributeValues: Item | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ReturnValues: str = "NONE",
    ) -> dict[str, Any]:
        key = self._tables[TableName].key(Key)
        bindings = _bindings(ExpressionAttributeNames, ExpressionAttributeValues, ConditionExpression)
        item = self.state[TableName].get(key)
        if ConditionExpression is not None and not parse_condition(ConditionExpression)(item or {}, bindings):
            raise ConditionFailedError
        if item is not None:
            self._write(TableName, {key: None})
        return _returned(ReturnValues, "ALL_OLD", item)

    def _write(self, table: str, items: Mapping[Key, Item | None]) -> None:
        """Store items by their keys; None deletes one."""
        merged = {**self.state[table], **items}
        self.state = {**self.state, table: {key: item for key, item in merged.items() if item is not None}}


def _bindings(names: Mapping[str, str] | None, values: Item | None, *expressions: str | None) -> Bindings:
    """Return the placeholders of a request; like DynamoDB, fail if one is not used or not given."""
    used = frozenset[str]().union(*(placeholders(each) for each in expressions if each))
    if names == {} or values == {} or used != {*(names or {}), *(values or {})}:
        raise UnsupportedError(f"placeholders are not those in use: {sorted(used)}")
    return Bindings(names or {}, values or {})


def _distinct(table: Table, keys: Iterable[Item], limit: int) -> list[Key]:
    made = [table.key(each) for each in keys]
    if not 0 < len(made) <= limit or len(set(made)) != len(made):
        raise UnsupportedError(f"a batch has 1 to {limit} distinct keys")
    return made


def _place(item: Item, order: Sequence[str]) -> tuple[bytes, ...]:
    """Return what items are sorted by: strings by their UTF-8 bytes."""
    return tuple(item[name]["S"].encode() for name in order)


def _projected(item: Item, attributes: frozenset[str] | None) -> Item:
    return item if attributes is None else {name: value for name, value in item.items() if name in attributes}


def _returned(wanted: str, known: str, item: Item | None) -> dict[str, Any]:
    if wanted not in ("NONE", known):
        raise UnsupportedError(f"ReturnValues={wanted}")
    return {"Attributes": item} if wanted == known and item is not None else {}
