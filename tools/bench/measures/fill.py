"""Filling a table on the engine with sessions: quick, and the same each time."""

import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import batched
from urllib.parse import urlsplit

from agent_sessions.items import session_item
from agent_sessions.models import Session

BATCH = 25
WRITERS = 2

# botocore would take longer than the engine. DynamoDB Local wants to see a signature, and checks none.
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20261122/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


def fill(url: str, table: str, numbers: range, *, now: int) -> None:
    """Write the sessions with these numbers; raises RuntimeError where the engine takes one not."""
    with ThreadPoolExecutor(WRITERS) as pool:
        shares = [numbers[writer::WRITERS] for writer in range(WRITERS)]
        list(pool.map(lambda share: _write(url, table, share, now), shares))


def is_live(number: int) -> bool:
    """Whether the session of a number is: one in ten has expired."""
    return number % 10 != 0


def agent(number: int) -> int:
    """Return whose session it is: each agent has three."""
    return number // 3


def _write(url: str, table: str, numbers: Sequence[int], now: int) -> None:
    connection = HTTPConnection(urlsplit(url).netloc)
    for batch in batched(_sessions(numbers, now), BATCH, strict=False):
        requests = [{"PutRequest": {"Item": session_item(session)}} for session in batch]
        connection.request("POST", "/", json.dumps({"RequestItems": {table: requests}}), HEADERS)
        with connection.getresponse() as response:
            answer = response.read()
        if response.status != 200 or json.loads(answer)["UnprocessedItems"]:
            raise RuntimeError(f"the engine did not take a batch: {answer[:500]!r}")
    connection.close()


def _sessions(numbers: Sequence[int], now: int) -> Iterator[Session]:
    for number in numbers:
        # An odd factor spreads the numbers over all ids, and gives no id twice.
        spread = (agent(number) + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128
        yield Session(
            agent_id=str(uuid.UUID(int=spread)),
            session_id=str(uuid.UUID(int=number)),
            owner="iam:arn:aws:iam::111122223333:role/agents",
            agent_name="Claude",
            context="Project A",
            created_at=now,
            last_active=now,
            expires_at=now + 864_000 if is_live(number) else now,
            ends_at=now + 864_000,
            sign_in_number=number % 3 + 1,
        )
