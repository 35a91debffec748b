"""Validations and the activity report as the number of sessions grows."""

import math
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

from benchmarks.measurements.fill import fill, item_of_many_agents, live
from benchmarks.process import measured
from benchmarks.samples import by_clock, interleaved, timed
from benchmarks.service import NO_TIMEOUTS, OWNER, Service
from tools import ROOT

KNOWN = 100  # sessions whose tokens are known; the small table has no others
SEGMENTS = 16
PAGE_BYTES = 1024 * 1024


def measure(url: str, sizes: Sequence[int], rounds: int, meanwhile: Callable[[], object]) -> list[dict[str, Any]]:
    """Return one entry for each of these numbers of sessions, which increase from 100.

    ``meanwhile`` runs while the table grows to its last size and is counted, which takes minutes.
    """
    small, large = (Service.create(url, name, account="growth") for name in ("small", "large"))
    validations = {"small": _validations(small), "large": _validations(large)}
    now, entries = int(time.time()), []
    for before, size in pairwise((KNOWN, *sizes)):
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(meanwhile if size == sizes[-1] else int)
            fill(large, range(before - KNOWN, size - KNOWN), partial(item_of_many_agents, now))
            report = _report(large, size - KNOWN)
            other.result()
        # Nothing else runs while validations are timed.
        times = {table: by_clock(taken) for table, taken in interleaved(rounds, validations).items()}
        entries.append({"sessions": size} | times | {"report": report})
    return entries


def _validations(service: Service) -> Callable[[], tuple[float, float]]:
    """Create the known sessions; return what validates each once, in random order, and measures one."""
    sessions = service.sessions(**NO_TIMEOUTS)
    tokens = [sessions.sign_in(OWNER, f"Agent {number}").session_token for number in range(KNOWN)]
    return lambda: timed([partial(sessions.validate, token) for token in random.sample(tokens, KNOWN)])


def _report(large: Service, filled: int) -> dict[str, Any]:
    """Count in a process of its own, to see its memory, and compare with the known numbers."""
    report: dict[str, Any] = measured("report_run", environ=large.environ(str(ROOT), REPORT_SEGMENTS=str(SEGMENTS)))
    sessions, agents = live(filled)
    table_bytes = large.client.describe_table(TableName=large.tables["SESSIONS_TABLE"])["Table"]["TableSizeBytes"]
    return report | {
        "exact": (report["sessions"], report["agents"]) == (sessions + KNOWN, agents + KNOWN),
        "bytes": table_bytes,
        "max_calls": math.ceil(table_bytes / PAGE_BYTES) + SEGMENTS,
    }
