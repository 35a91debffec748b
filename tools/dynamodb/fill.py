"""Write many items fast."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from threading import Lock
from typing import Any

BATCH = 25  # the most that BatchWriteItem takes


def fill(clients: Sequence[Any], table: str, items: Iterable[dict[str, Any]]) -> None:
    """Put items into a table; each client has a thread of its own, and a client may be named twice.

    Args:
        clients: Of botocore, or fast ones.
        table: The table's name.
        items: In DynamoDB's JSON; a generator of any length, which is read as the clients proceed.

    Raises:
        RuntimeError: DynamoDB did not process all items of a call.
    """
    batches, lock = batched(items, BATCH, strict=False), Lock()

    def write(client: Any) -> None:
        while True:
            with lock:
                batch = next(batches, None)
            if batch is None:
                return
            requests = [{"PutRequest": {"Item": item}} for item in batch]
            if client.batch_write_item(RequestItems={table: requests}).get("UnprocessedItems"):
                raise RuntimeError("DynamoDB did not process all items of a batch")

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(write, clients))
