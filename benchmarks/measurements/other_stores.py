"""Session stores on DynamoDB side by side in one process: the cost of each operation.

Runs in the environment of requirements/peers.txt, with the layer before it, so that all stores use the same boto3.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import Any, NamedTuple

import boto3
from awslabs.mcp_lambda_handler.session import DynamoDBSessionStore
from dynamodb_session_web import SessionManager
from flask import Flask
from flask.wrappers import Request
from flask_session.dynamodb import DynamoDBSessionInterface
from werkzeug.test import EnvironBuilder

from agent_sessions import SessionService, Settings, clock
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.connect import connect
from agent_sessions.dynamodb.tables import Tables
from benchmarks.samples import interleaved_times, timed
from tools.dynamodb.capacity_meter import Meter
from tools.dynamodb.plain_table import create_plain_table


def main(rounds: int, repeat: int) -> dict[str, Any]:
    """Return the peers' versions, and for each store the operations that it supports."""
    entries: dict[str, dict[str, Any]] = {name: {} for name in STORES}
    cases: dict[tuple[str, str], Callable[[], tuple[float, float]]] = {}
    for name, new_store in STORES.items():
        metered, store = new_store(f"{name}-metered"), new_store(name)
        meter = Meter(metered.client)
        metered.create()  # so that this project's sign-in is measured with a known agent
        for operation in ("create", *store.operations):
            action = metered.prepare(operation)
            meter.reset()
            action()
            calls, read_units, write_units = meter.spent
            entries[name][operation] = {"calls": calls, "read_units": read_units, "write_units": write_units}
            cases[name, operation] = partial(store.measure, operation, repeat)
    for (name, operation), times in interleaved_times(rounds, cases).items():
        entries[name][operation].update(times)
    return {"versions": {name: metadata.version(name) for name in STORES if name != OWN}, "stores": entries}


class SessionStore(NamedTuple):
    """A session store and its DynamoDB client."""

    client: Any
    create: Callable[[], Any]  # returns what the client of the session keeps
    operations: Mapping[str, Callable[[Any], object]]  # on that: validate, validate and extend, delete, if supported

    def prepare(self, operation: str) -> Callable[[], object]:
        """Create the session that an operation needs; return the operation on it."""
        return self.create if operation == "create" else partial(self.operations[operation], self.create())

    def measure(self, operation: str, repeat: int) -> tuple[float, float]:
        """Run an operation on ``repeat`` sessions in a row; return the CPU and the wall seconds of one."""
        return timed([self.prepare(operation) for _ in range(repeat)])


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


def dynamodb_session_web(table: str) -> SessionStore:
    """dynamodb-session-web: every load extends the session."""
    manager = SessionManager(table_name=table)
    create_plain_table(manager.boto_client(), table, key="id")
    operations = {"validate and extend": manager.load, "delete": manager.clear}
    return SessionStore(manager.boto_client(), lambda: manager.create_and_save().session_id, operations)


def mcp_lambda_handler(table: str) -> SessionStore:
    """awslabs.mcp-lambda-handler: a session ends 24 hours after its creation."""
    store = DynamoDBSessionStore(table)
    create_plain_table(store.dynamodb.meta.client, table, key="session_id")
    operations = {"validate": store.get_session, "delete": store.delete_session}
    return SessionStore(store.dynamodb.meta.client, store.create_session, operations)


def flask_session(table: str) -> SessionStore:
    """Flask-Session: its work before and after a request, without Flask's own; it creates its table itself."""
    resource = boto3.resource("dynamodb")
    extending, reading = Flask("extending"), Flask("reading")
    reading.config["SESSION_REFRESH_EACH_REQUEST"] = False
    interface = DynamoDBSessionInterface(extending, client=resource, table_name=table)
    cookie = extending.config["SESSION_COOKIE_NAME"]

    def request(sid: str | None = None) -> Request:
        return Request(EnvironBuilder(headers=[("Cookie", f"{cookie}={sid}")] if sid else []).get_environ())

    def use(app: Flask, sent: Request, change: Callable[[Any], object]) -> str:
        session = interface.open_session(app, sent)
        change(session)
        interface.save_session(app, session, app.response_class())
        return str(session.sid)

    def create() -> Request:
        return request(use(extending, request(), lambda session: session.update(agent="Claude")))

    operations = {
        "validate": lambda sent: use(reading, sent, lambda session: session["agent"]),
        "validate and extend": lambda sent: use(extending, sent, lambda session: session["agent"]),
        "delete": lambda sent: use(extending, sent, lambda session: session.clear()),
    }
    return SessionStore(resource.meta.client, create, operations)


OWN = "agent-sessions"
# By package: what creates a store with a new table of this name.
STORES: dict[str, Callable[[str], SessionStore]] = {
    OWN: agent_sessions,
    "dynamodb-session-web": dynamodb_session_web,
    "awslabs-mcp-lambda-handler": mcp_lambda_handler,
    "Flask-Session": flask_session,
}
