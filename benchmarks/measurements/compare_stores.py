"""Session stores side by side: calls, units, CPU and wall of each verb, in one process, interleaved.

Run from the layer with the peers installed: ``-m benchmarks.measurements.compare_stores ROUNDS REPEAT``; prints JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3

from agent_sessions import SessionService, Settings, clock
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.tables import Tables
from benchmarks.measurements.other_stores import PEERS, Contestant
from benchmarks.samples import interleaved
from tools.dynamodb.capacity_meter import Meter

VERBS = ("create", "validate", "slide", "destroy")


def main(rounds: int, repeat: int) -> dict[str, Any]:
    """Return, by store and verb: calls and units of one, and the CPU and wall seconds, round by round."""
    client = boto3.client("dynamodb")
    makers: dict[str, Callable[[], Contestant]] = {"agent-sessions": agent_sessions}
    for name, (make, key) in PEERS.items():
        if key:
            client.create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        makers[name] = partial(make, name)
    told = {name: look(maker()) for name, maker in makers.items()}
    takes: dict[str, Callable[[], tuple[float, float]]] = {}
    for name, maker in makers.items():
        contestant = maker()
        for verb in told[name]:
            takes[f"{name}/{verb}"] = partial(take, contestant, verb, repeat)
    for label, figures in interleaved(rounds, takes).items():
        name, _, verb = label.partition("/")
        told[name][verb].update(cpu=[cpu for cpu, _ in figures], wall=[wall for _, wall in figures])
    return told


def agent_sessions() -> Contestant:
    """This project, in process as the others are: a sign-in recognises the agent too."""
    settings = Settings.from_environment()
    transport = BotocoreTransport.connect()
    service = SessionService(Tables.over(transport, settings), settings)
    now = clock.now

    def a_minute_later(action: Callable[[str], object]) -> Callable[[str], None]:
        """Let a minute pass first, after which a touch is due."""

        def acted(token: str) -> None:
            clock.now = lambda: now() + settings.touch_interval
            action(token)
            clock.now = now

        return acted

    return Contestant(
        client=transport.client,
        create=lambda: service.sign_in("public", "Claude").session_token,
        validate=service.validate,
        slide=a_minute_later(service.validate),
        destroy=a_minute_later(service.sign_out),
    )


def look(contestant: Contestant) -> dict[str, dict[str, Any]]:
    """Do each verb once: which calls does it make, and what do they cost?"""
    meter = Meter(contestant.client)
    contestant.create()
    told = {}
    for verb in VERBS:
        action = getattr(contestant, verb)
        if action is None:
            continue
        held = [] if verb == "create" else [contestant.create()]
        meter.reset()
        action(*held)
        calls, read, written = meter.spent
        told[verb] = {"calls": calls, "read_units": read, "write_units": written}
    return told


def take(contestant: Contestant, verb: str, repeat: int) -> tuple[float, float]:
    """Do a verb ``repeat`` times, each with a session of its own; return the CPU and the wall seconds of one."""
    action = getattr(contestant, verb)
    held = [() if verb == "create" else (contestant.create(),) for _ in range(repeat)]
    cpu, wall = time.process_time(), time.perf_counter()
    for each in held:
        action(*each)
    return (time.process_time() - cpu) / repeat, (time.perf_counter() - wall) / repeat


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
