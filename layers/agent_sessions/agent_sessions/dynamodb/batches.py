"""Reading and deleting many items: batches, and what DynamoDB leaves unprocessed in them."""

import random
import time
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any

from agent_sessions.dynamodb.items import Item
from agent_sessions.dynamodb.transport import Transport
from agent_sessions.errors import DatabaseError

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
READ_BATCH = 100
WRITE_BATCH = 25
ATTEMPTS = 5


def get_items(transport: Transport, table: str, keys: Sequence[dict[str, Any]]) -> Iterator[Item]:
    """Read items by their keys, 100 per call, eventually consistent; yield those that exist, in no order.

    Raises:
        DatabaseError: DynamoDB leaves keys unprocessed after 5 attempts.
    """
    for batch in batched(keys, READ_BATCH, strict=False):
        left: Sequence[Any] = batch
        for attempt in range(ATTEMPTS):
            response = transport("BatchGetItem", {"RequestItems": {table: {"Keys": left}}})
            yield from response["Responses"].get(table, [])
            left = response["UnprocessedKeys"].get(table, {}).get("Keys", [])
            if not left:
                break
            _pause(attempt)
        else:
            raise DatabaseError("BatchGetItem")


def delete_items(transport: Transport, table: str, keys: Sequence[dict[str, Any]]) -> None:
    """Delete items by their keys, 25 per call, whatever they contain.

    Raises:
        DatabaseError: DynamoDB leaves deletions unprocessed after 5 attempts.
    """
    for batch in batched(keys, WRITE_BATCH, strict=False):
        left: Sequence[Any] = [{"DeleteRequest": {"Key": key}} for key in batch]
        for attempt in range(ATTEMPTS):
            response = transport("BatchWriteItem", {"RequestItems": {table: left}})
            left = response["UnprocessedItems"].get(table, [])
            if not left:
                break
            _pause(attempt)
        else:
            raise DatabaseError("BatchWriteItem")


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  jitter is no secret
