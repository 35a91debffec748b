"""Fill a table with sessions, fast and reproducibly."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import batched
from typing import Any

from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.items import Item, session_item
from benchmarks.service import REGION, Service
from tools.dynamodb.fast_client import FastClient

BATCH = 25
WRITERS = 16  # enough that the engine, which runs one call at a time, never waits for the next
SESSIONS_OF_AN_AGENT = 3
EXPIRED = 10  # one session of this many has expired


def fill(service: Service, numbers: range, item: Callable[[int], Item]) -> None:
    """Write the sessions with these numbers; raises RuntimeError if the engine does not process one."""

    def write(share: Sequence[int]) -> None:
        with closing(FastClient(service.url, key=service.account, region=REGION)) as client:
            for batch in batched(share, BATCH, strict=False):
                requests = [{"PutRequest": {"Item": item(number)}} for number in batch]
                response = client.batch_write_item(RequestItems={service.tables["SESSIONS_TABLE"]: requests})
                if response["UnprocessedItems"]:
                    raise RuntimeError("the engine did not process all items of a batch")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, (numbers[writer::WRITERS] for writer in range(WRITERS))))


def live(count: int) -> tuple[int, int]:
    """Return how many of the first ``count`` sessions are live, and how many agents these have."""
    numbers = [number for number in range(count) if number % EXPIRED]
    return len(numbers), len({number // SESSIONS_OF_AN_AGENT for number in numbers})


def item_of_many_agents(now: int, number: int) -> Item:
    """Return a session of one of many agents."""
    # An odd factor spreads the agents over all ids without collisions.
    spread = (number // SESSIONS_OF_AN_AGENT + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128
    agent_id, session_id, ends_at = str(uuid.UUID(int=spread)), str(uuid.UUID(int=number)), now + 864_000
    fields: dict[str, Any] = {"agent_id": agent_id, "session_id": session_id, "incarnation": agent_id}
    fields |= {"owner": "iam:arn:aws:iam::111122223333:role/agents", "agent_name": "Claude", "context": "Project A"}
    fields |= {"created_at": now, "last_active": now, "ends_at": ends_at, "idle_seconds": 1800}
    fields |= {"expires_at": ends_at if number % EXPIRED else now}
    return session_item(Session(**fields, sign_in_number=number % SESSIONS_OF_AN_AGENT + 1))
