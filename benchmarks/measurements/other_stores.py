"""Other session stores on DynamoDB, behind the same four operations.

Imported in the environment of requirements/peers.txt, with the layer before it, so that all stores use the same boto3.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import boto3
from awslabs.mcp_lambda_handler.session import DynamoDBSessionStore
from dynamodb_session_web import SessionManager
from flask import Flask
from flask.wrappers import Request
from flask_session.dynamodb import DynamoDBSessionInterface
from werkzeug.test import EnvironBuilder

from tools.dynamodb.plain_table import create_plain_table


class SessionStore(NamedTuple):
    """A session store and its DynamoDB client."""

    client: Any
    create: Callable[[], Any]  # returns what the client of the session keeps
    operations: Mapping[str, Callable[[Any], object]]  # on that: validate, validate and extend, delete, if supported


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


# By package: what creates a store with a new table of this name.
PEERS: dict[str, Callable[[str], SessionStore]] = {
    "dynamodb-session-web": dynamodb_session_web,
    "awslabs-mcp-lambda-handler": mcp_lambda_handler,
    "Flask-Session": flask_session,
}
