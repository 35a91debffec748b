"""Stream records of the tables in memory: what DynamoDB Streams would show of the writes since the last look."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS = {"AgentsTable": ("agent_id",), "SessionsTable": ("agent_id", "session_id")}

type Items = dict[tuple[str, ...], dict[str, Any]]


class Stream:
    """Compares the tables with what they contained before; several writes to an item are one change."""

    def __init__(self, dynamodb: "DynamoDBClient") -> None:
        self._dynamodb = dynamodb
        self._seen: dict[str, Items] = {table: {} for table in KEYS}
        self._number = 111_000_000_000_000_000_000_000

    def records(self, at: int) -> list[dict[str, Any]]:
        """Return a record for each item that was written since the last call, as if written at a time."""
        return [record for table in KEYS for record in self._records(table, at)]

    def _records(self, table: str, at: int) -> Iterator[dict[str, Any]]:
        old = self._seen[table]
        new: Items = {
            tuple(item[name]["S"] for name in KEYS[table]): dict(item)
            for item in self._dynamodb.scan(TableName=table)["Items"]
        }
        self._seen[table] = new
        for key in sorted(old.keys() | new.keys()):
            images = {name: items[key] for name, items in (("OldImage", old), ("NewImage", new)) if key in items}
            if images.get("OldImage") == images.get("NewImage"):
                continue
            self._number += 1
            yield {
                "eventName": "MODIFY" if len(images) == 2 else "INSERT" if "NewImage" in images else "REMOVE",
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "ApproximateCreationDateTime": at,
                    "Keys": {name: {"S": value} for name, value in zip(KEYS[table], key, strict=True)},
                    "SequenceNumber": str(self._number),
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                    **images,
                },
            }
