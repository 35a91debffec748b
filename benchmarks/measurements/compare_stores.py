"""Session stores side by side in one process, with the layer and the peers: the cost of each operation."""

from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

from agent_sessions import SessionService, Settings, clock
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.connect import connect
from agent_sessions.dynamodb.tables import Tables
from benchmarks.measurements.other_stores import PEERS, SessionStore
from benchmarks.samples import interleaved_times, timed
from tools.dynamodb.capacity_meter import Meter


def main(rounds: int, repeat: int) -> dict[str, Any]:
    """Return the peers' versions, and for each store the operations that it supports."""
    factories = {"agent-sessions": agent_sessions} | PEERS
    entries: dict[str, dict[str, Any]] = {name: {} for name in factories}
    cases: dict[tuple[str, str], Callable[[], tuple[float, float]]] = {}
    for name, factory in factories.items():
        metered, store = factory(f"{name}-metered"), factory(name)
        meter = Meter(metered.client)
        metered.create()  # so that this project's sign-in is measured with a known agent
        for operation in ("create", *store.operations):
            action = prepare(metered, operation)
            meter.reset()
            action()
            calls, read_units, write_units = meter.spent
            entries[name][operation] = {"calls": calls, "read_units": read_units, "write_units": write_units}
            cases[name, operation] = partial(measure, store, operation, repeat)
    for (name, operation), times in interleaved_times(rounds, cases).items():
        entries[name][operation].update(times)
    return {"versions": {package: metadata.version(package) for package in PEERS}, "stores": entries}


def agent_sessions(table: str) -> SessionStore:
    """This project in process, as the others are; its sign-in also recognises the agent."""
    settings, now = Settings.from_environment(), clock.now
    # A meter reads the events of a client; both transports make the same calls.
    metered = BotocoreTransport.connect()
    transport = metered if table.endswith("metered") else connect(settings)
    service = SessionService(Tables.over(transport, settings), settings)

    def a_minute_later(action: Callable[[str], object], token: str) -> None:
        """Move the clock on first, so that a touch is due."""
        clock.now = lambda: now() + settings.touch_interval
        action(token)
        clock.now = now

    operations: dict[str, Callable[[str], object]] = {
        "validate": service.validate,
        "validate and extend": partial(a_minute_later, service.validate),
        "delete": partial(a_minute_later, service.sign_out),
    }
    return SessionStore(metered.client, lambda: service.sign_in("public", "Claude").session_token, operations)


def prepare(store: SessionStore, operation: str) -> Callable[[], object]:
    """Create the session that an operation needs; return the operation on it."""
    return store.create if operation == "create" else partial(store.operations[operation], store.create())


def measure(store: SessionStore, operation: str, repeat: int) -> tuple[float, float]:
    """Run an operation ``repeat`` times, each on a session of its own; return the CPU and the wall seconds of one."""
    return timed([prepare(store, operation) for _ in range(repeat)])
