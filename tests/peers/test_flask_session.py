"""Flask-Session 0.8.0, with DynamoDB."""

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from flask import Flask, session
from flask.testing import FlaskClient
from flask_session.dynamodb import DynamoDBSessionInterface

from tests.peers.conftest import items, just_before, throttle
from tools.dynamodb.capacity_meter import Meter

TABLE = "Flask-Session"

# It reads the time with utcnow().
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture
def resource(dynamodb: Any) -> Iterator[Any]:
    yield boto3.resource("dynamodb")
    dynamodb.delete_table(TableName=TABLE)


@pytest.fixture
def app(resource: Any) -> Flask:
    """An app with four pages and default settings."""
    app = Flask("app")
    app.testing = True
    app.session_interface = DynamoDBSessionInterface(app, client=resource, table_name=TABLE)

    @app.get("/sign-in")
    def sign_in() -> str:
        session["agent"] = "Claude"
        return "signed in"

    @app.get("/")
    def whoami() -> str:
        return session.get("agent", "nobody")

    @app.get("/sign-out")
    def sign_out() -> str:
        session.clear()
        return "signed out"

    @app.get("/regenerate")
    def regenerate() -> str:
        session["found"] = {"pages": [1, 2, 3]}
        app.session_interface.regenerate(session)
        return "another id"

    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A client that is signed in."""
    browser = app.test_client()
    browser.get("/sign-in")
    return browser


def test_regenerate_keeps_the_data_under_a_new_id(browser: FlaskClient, dynamodb: Any) -> None:
    (before,) = items(dynamodb, TABLE)
    browser.get("/regenerate")

    (after,) = items(dynamodb, TABLE)
    assert before["id"] != after["id"]
    assert browser.get("/").text == "Claude"


def test_database_failure_is_not_reported_as_no_session(browser: FlaskClient, resource: Any) -> None:
    throttle(resource.meta.client)

    with pytest.raises(ClientError):
        browser.get("/")


def test_expired_session_is_accepted(browser: FlaskClient, dynamodb: Any) -> None:
    (item,) = items(dynamodb, TABLE)
    dynamodb.put_item(TableName=TABLE, Item=item | {"expiration": {"N": str(int(time.time()) - 1)}})

    assert browser.get("/").text == "Claude"


def test_ttl_is_not_enabled(browser: FlaskClient, dynamodb: Any) -> None:
    described = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]

    assert described["TimeToLiveStatus"] == "DISABLED"


def test_every_request_writes_by_default(app: Flask, browser: FlaskClient, resource: Any) -> None:
    meter = Meter(resource.meta.client)
    browser.get("/")
    assert meter.spent == (["GetItem", "UpdateItem"], 0.5, 1)

    meter.reset()
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    browser.get("/")
    assert meter.spent == (["GetItem"], 0.5, 0)


def test_reads_are_eventually_consistent(browser: FlaskClient, resource: Any) -> None:
    requests: list[dict[str, Any]] = []
    resource.meta.client.meta.events.register(
        "before-parameter-build.dynamodb.GetItem", lambda params, **_: requests.append(dict(params))
    )
    browser.get("/")

    assert "ConsistentRead" not in requests[0]


def test_request_in_flight_revives_an_ended_session(browser: FlaskClient, resource: Any, dynamodb: Any) -> None:
    (item,) = items(dynamodb, TABLE)
    just_before(
        resource.meta.client, "UpdateItem", lambda: dynamodb.delete_item(TableName=TABLE, Key={"id": item["id"]})
    )
    browser.get("/")

    assert browser.get("/").text == "Claude"


def test_each_start_calls_create_table(app: Flask, resource: Any) -> None:
    meter = Meter(resource.meta.client)
    DynamoDBSessionInterface(Flask("another"), client=resource, table_name=TABLE)

    assert meter.calls == ["CreateTable"]


def test_stored_id_gives_access_to_the_session(app: Flask, browser: FlaskClient, dynamodb: Any) -> None:
    (item,) = items(dynamodb, TABLE)
    thief = app.test_client()
    thief.set_cookie("session", item["id"]["S"].removeprefix("session:"))

    assert thief.get("/").text == "Claude"
