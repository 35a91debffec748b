"""Other session stores on DynamoDB, each behind the same four verbs.

Imported in the environment of requirements/peers.txt, with the layer before it, so that all use the same boto3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from awslabs.mcp_lambda_handler.session import DynamoDBSessionStore
from dynamodb_session_web import SessionManager
from flask import Flask
from flask.wrappers import Request
from flask_session.dynamodb import DynamoDBSessionInterface
from werkzeug.test import EnvironBuilder


@dataclass(frozen=True, slots=True)
class Contestant:
    """A session store.

    Args:
        client: What it calls DynamoDB with.
        create: Makes a session, and returns what its holder keeps.
        validate: Reads a session without moving its end; None where the store cannot.
        slide: Reads a session and moves its end; None where the store cannot.
        destroy: Ends a session.
    """

    client: Any
    create: Callable[[], Any]
    validate: Callable[[Any], Any] | None
    slide: Callable[[Any], Any] | None
    destroy: Callable[[Any], Any]


def dynamodb_session_web(table: str) -> Contestant:
    """dynamodb-session-web: every load moves the end."""
    manager = SessionManager(table_name=table)
    return Contestant(
        client=manager.boto_client(),
        create=lambda: manager.create_and_save().session_id,
        validate=None,
        slide=manager.load,
        destroy=manager.clear,
    )


def mcp_lambda_handler(table: str) -> Contestant:
    """awslabs.mcp-lambda-handler: a session ends 24 hours after it was made, whatever happens."""
    store = DynamoDBSessionStore(table)
    return Contestant(
        client=store.dynamodb.meta.client,
        create=store.create_session,
        validate=store.get_session,
        slide=None,
        destroy=store.delete_session,
    )


def flask_session(table: str) -> Contestant:
    """Flask-Session: what it does around a request, without the request's own work."""
    resource = boto3.resource("dynamodb")
    sliding, still = Flask("sliding"), Flask("still")
    still.config["SESSION_REFRESH_EACH_REQUEST"] = False
    interface = DynamoDBSessionInterface(sliding, client=resource, table_name=table)
    cookie = sliding.config["SESSION_COOKIE_NAME"]

    def create() -> Request:
        session = interface.open_session(sliding, request())
        session["agent"] = "Claude"
        interface.save_session(sliding, session, sliding.response_class())
        return request(session.sid)

    def request(sid: str | None = None) -> Request:
        headers = [("Cookie", f"{cookie}={sid}")] if sid else []
        return Request(EnvironBuilder(headers=headers).get_environ())

    def around(app: Flask, held: Request) -> None:
        session = interface.open_session(app, held)
        assert session["agent"]
        interface.save_session(app, session, app.response_class())

    def destroy(held: Request) -> None:
        session = interface.open_session(sliding, held)
        session.clear()
        interface.save_session(sliding, session, sliding.response_class())

    return Contestant(
        client=resource.meta.client,
        create=create,
        validate=lambda held: around(still, held),
        slide=lambda held: around(sliding, held),
        destroy=destroy,
    )


# By name: how it is made, and the key of its table. Flask-Session makes its table itself.
PEERS: dict[str, tuple[Callable[[str], Contestant], str | None]] = {
    "dynamodb-session-web": (dynamodb_session_web, "id"),
    "mcp-lambda-handler": (mcp_lambda_handler, "session_id"),
    "Flask-Session": (flask_session, None),
}
