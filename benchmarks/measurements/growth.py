"""Validations and the activity report as the number of sessions grows."""

import math
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

from agent_sessions.domain.models import Session
from benchmarks import MB
from benchmarks.process import measured
from benchmarks.samples import interleaved_times, timed
from benchmarks.service import NO_TIMEOUTS, Service
from tools import ROOT

OWNER = "iam:arn:aws:iam::111122223333:role/agents"
KNOWN = 100  # sessions whose tokens are known; the small table has no others
SESSIONS_OF_AN_AGENT = 3
EXPIRED = 10  # one session of this many has expired
SEGMENTS = 16


def measure(url: str, sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Return one entry for each of these numbers of sessions, which increase from 100."""
    small, large = (Service.create(url, name) for name in ("small", "large"))
    sessions = {"small": small.sessions(**NO_TIMEOUTS), "large": large.sessions(**NO_TIMEOUTS)}
    known = {table: [each.sign_in(OWNER, f"Agent {n}", "A") for n in range(KNOWN)] for table, each in sessions.items()}
    entries = []

    def validate(table: str) -> tuple[float, float]:
        """Validate each known session of a table once, in random order."""
        tokens = [each.session_token for each in random.sample(known[table], KNOWN)]
        return timed([partial(sessions[table].validate, token) for token in tokens])

    for before, size in pairwise((KNOWN, *sizes)):
        large.fill(_numbered(known["large"][0].session, n) for n in range(before - KNOWN, size - KNOWN))
        report = _report(large, size - KNOWN)
        times = interleaved_times(rounds, {table: partial(validate, table) for table in known})
        entries.append({"sessions": size, "report": report, **times})
    return entries


def _numbered(known: Session, number: int) -> Session:
    """Return a session of one of many agents."""
    agent_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number // SESSIONS_OF_AN_AGENT)))
    expires_at = known.ends_at if number % EXPIRED else known.created_at
    return replace(known, agent_id=agent_id, session_id=str(uuid.uuid4()), expires_at=expires_at)


def _report(large: Service, filled: int) -> dict[str, Any]:
    """Run the report, and compare it with the sessions that were written, of which some have expired."""
    report: dict[str, Any] = measured("report_run", environ=large.environ(str(ROOT), REPORT_SEGMENTS=str(SEGMENTS)))
    live = [number for number in range(filled) if number % EXPIRED]
    agents = {number // SESSIONS_OF_AN_AGENT for number in live}
    table_bytes = large.client.describe_table(TableName=large.tables["SESSIONS_TABLE"])["Table"]["TableSizeBytes"]
    return report | {
        "exact": (report["sessions"], report["agents"]) == (len(live) + KNOWN, len(agents) + KNOWN),
        "bytes": table_bytes,
        "max_calls": math.ceil(table_bytes / MB) + SEGMENTS,
    }
