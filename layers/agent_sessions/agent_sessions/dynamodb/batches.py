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
        for _ in _attempts():
            response = transport("BatchGetItem", {"RequestItems": {table: {"Keys": left}}})
            yield from response["Responses"].get(table, [])
            left = response["UnprocessedKeys"].get(table, {}).get("Keys", [])
            if not left:
                break
        else:
            raise DatabaseError("BatchGetItem")


def delete_items(transport: Transport, table: str, keys: Sequence[dict[str, Any]]) -> None:
    """Delete items by their keys, 25 per call, whatever they contain.

    Raises:
        DatabaseError: DynamoDB leaves deletions unprocessed after 5 attempts.
    """
    for batch in batched(keys, WRITE_BATCH, strict=False):
        left: Sequence[Any] = [{"DeleteRequest": {"Key": key}} for key in batch]
        for _ in _attempts():
            response = transport("BatchWriteItem", {"RequestItems": {table: left}})
            left = response["UnprocessedItems"].get(table, [])
            if not left:
                break
        else:
            raise DatabaseError("BatchWriteItem")


def _attempts() -> Iterator[None]:
    """Yield 5 times, with a random pause before each retry, at most 0.05 s at first and 0.4 s at last."""
    yield
    for retry in range(ATTEMPTS - 1):
        time.sleep(random.uniform(0, 0.05 * 2**retry))  # noqa: S311  jitter need not be secret
        yield
