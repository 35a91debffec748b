"""Validations in a large table beside validations in a small one.

Run from the layer, as ``-m benchmarks.measurements.validations ROUNDS`` with TABLES, each with its tokens; prints JSON.
"""

import json
import os
import random
import sys
import time
from dataclasses import replace
from functools import partial

from agent_sessions import SessionService, Settings, Tables
from agent_sessions.dynamodb.client import BotocoreTransport
from benchmarks.samples import interleaved


def main(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return the CPU and the wall seconds of a validation, by table, round by round."""
    tables: dict[str, list[str]] = json.loads(os.environ["TABLES"])
    settings = Settings.from_environment()
    transport = BotocoreTransport.connect()
    cases = {}
    for table, tokens in tables.items():
        other = replace(settings, sessions_table=table)
        service = SessionService(Tables.over(transport, other), other)
        cases[table] = partial(validate_all, service, tokens)
    return interleaved(rounds, cases)


def validate_all(service: SessionService, tokens: list[str]) -> tuple[float, float]:
    """Validate every token once, in no order; return the seconds of one."""
    random.shuffle(tokens)
    cpu, wall = time.process_time(), time.perf_counter()
    for token in tokens:
        service.validate(token)
    return (time.process_time() - cpu) / len(tokens), (time.perf_counter() - wall) / len(tokens)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
