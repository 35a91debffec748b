"""What happens as sessions become many: a validation should not notice, the report should read all, once."""

import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.measurements.fill import agent, fill, is_live
from benchmarks.process import run
from benchmarks.service import UNHURRIED, Service
from tools import ROOT

KNOWN = 100  # sessions whose tokens we have; the smallest table has no others
SEGMENTS = 16
PAGE_BYTES = 1024 * 1024


def measure(url: str, sizes: Sequence[int], rounds: int, meanwhile: Callable[[], None]) -> list[dict[str, Any]]:
    """Return one entry for each number of sessions.

    Args:
        url: Of the engine.
        sizes: Numbers of sessions, rising, from 100 on.
        rounds: How often every known session is validated in each table.
        meanwhile: Is done while the table grows to its last size and is counted, which takes minutes.
    """
    small, large = (Service.create(url, name, account="growth") for name in ("small", "large"))
    environ = large.environ(str(ROOT), REPORT_SEGMENTS=str(SEGMENTS), **UNHURRIED)
    tokens = {
        service.settings.sessions_table: [
            service.sign_in(f"Agent {number}", environ).session_token for number in range(KNOWN)
        ]
        for service in (small, large)
    }
    now, held, entries = int(time.time()), KNOWN, []
    for size in sizes:
        with ThreadPoolExecutor(1) as aside:
            other = aside.submit(meanwhile if size == sizes[-1] else _nothing)
            fill(large, range(held - KNOWN, size - KNOWN), now=now)
            report = _report(large, environ, size - KNOWN)
            other.result()
        held = size
        # Their time is told, so nothing else goes on.
        validations = _validations(small, large, environ | {"TABLES": json.dumps(tokens)}, rounds)
        entries.append({"sessions": size} | validations | {"report": report})
    return entries


def _nothing() -> None:
    pass


def _validations(small: Service, large: Service, environ: dict[str, str], rounds: int) -> dict[str, Any]:
    answer = run("-m", "benchmarks.measurements.validations", str(rounds), environ=environ).answer
    return {
        name: {"cpu": [cpu for cpu, _ in taken], "wall": [wall for _, wall in taken]}
        for name, taken in (
            ("small", answer[small.settings.sessions_table]),
            ("large", answer[large.settings.sessions_table]),
        )
    }


def _report(large: Service, environ: dict[str, str], filled: int) -> dict[str, Any]:
    """Count in a process of its own, for its memory, and compare with what is known to be there."""
    live = [number for number in range(filled) if is_live(number)]
    expected = len(live) + KNOWN, len({agent(number) for number in live}) + KNOWN
    counted: dict[str, Any] = run("-m", "benchmarks.measurements.report_run", environ=environ).answer
    held = large.client.describe_table(TableName=large.settings.sessions_table)["Table"]["TableSizeBytes"]
    return counted | {
        "exact": (counted["sessions"], counted["agents"]) == expected,
        "bytes": held,
        "most_calls": math.ceil(held / PAGE_BYTES) + SEGMENTS,
    }
