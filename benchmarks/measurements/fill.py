"""Filling a table on the engine with sessions: quick, and the same each time."""

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import batched

from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.items import session_item
from benchmarks.service import REGION, Service
from tools.dynamodb.fast_client import FastClient

BATCH = 25
# Enough that the engine, which takes them one by one, never waits for the next.
WRITERS = 16


def fill(service: Service, numbers: range, *, now: int) -> None:
    """Write the sessions with these numbers; raises RuntimeError where the engine takes one not."""
    with ThreadPoolExecutor(WRITERS) as pool:
        shares = [numbers[writer::WRITERS] for writer in range(WRITERS)]
        list(pool.map(lambda share: _write(service, share, now), shares))


def is_live(number: int) -> bool:
    """Whether the session of a number is: one in ten has expired."""
    return number % 10 != 0


def agent(number: int) -> int:
    """Return whose session it is: each agent has three."""
    return number // 3


def _write(service: Service, numbers: Sequence[int], now: int) -> None:
    # botocore would take longer than the engine.
    table = service.settings.sessions_table
    with closing(FastClient(service.url, key=service.account, region=REGION)) as client:
        for batch in batched(_sessions(numbers, now), BATCH, strict=False):
            requests = [{"PutRequest": {"Item": session_item(session)}} for session in batch]
            if client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"]:
                raise RuntimeError("the engine did not take all of a batch")


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
