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

# It asks for the time with utcnow().
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture
def resource(dynamodb: Any) -> Iterator[Any]:
    yield boto3.resource("dynamodb")
    dynamodb.delete_table(TableName=TABLE)


@pytest.fixture
def app(resource: Any) -> Flask:
    """An app with four pages, and everything at its default."""
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
    """Who is signed in."""
    browser = app.test_client()
    browser.get("/sign-in")
    return browser


def test_it_keeps_any_data_and_gives_a_new_id_on_demand(browser: FlaskClient, dynamodb: Any) -> None:
    (before,) = items(dynamodb, TABLE)
    browser.get("/regenerate")

    (after,) = items(dynamodb, TABLE)
    assert before["id"] != after["id"]
    assert browser.get("/").text == "Claude"


def test_a_database_that_fails_is_not_taken_for_no_session(browser: FlaskClient, resource: Any) -> None:
    throttle(resource.meta.client)

    with pytest.raises(ClientError):
        browser.get("/")


def test_an_expired_session_is_still_accepted(browser: FlaskClient, dynamodb: Any) -> None:
    (item,) = items(dynamodb, TABLE)
    dynamodb.put_item(TableName=TABLE, Item=item | {"expiration": {"N": str(int(time.time()) - 1)}})

    assert browser.get("/").text == "Claude"


def test_it_means_to_switch_ttl_on_and_does_not(browser: FlaskClient, dynamodb: Any) -> None:
    described = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]

    assert described["TimeToLiveStatus"] == "DISABLED"


def test_every_request_writes_unless_it_is_told_otherwise(app: Flask, browser: FlaskClient, resource: Any) -> None:
    meter = Meter(resource.meta.client)
    browser.get("/")
    assert meter.spent == (["GetItem", "UpdateItem"], 0.5, 1)

    meter.reset()
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    browser.get("/")
    assert meter.spent == (["GetItem"], 0.5, 0)


def test_its_reads_may_miss_a_deletion(browser: FlaskClient, resource: Any) -> None:
    asked: list[dict[str, Any]] = []
    resource.meta.client.meta.events.register(
        "before-parameter-build.dynamodb.GetItem", lambda params, **_: asked.append(dict(params))
    )
    browser.get("/")

    assert "ConsistentRead" not in asked[0]


def test_a_request_in_flight_brings_an_ended_session_back(browser: FlaskClient, resource: Any, dynamodb: Any) -> None:
    (item,) = items(dynamodb, TABLE)
    just_before(
        resource.meta.client, "UpdateItem", lambda: dynamodb.delete_item(TableName=TABLE, Key={"id": item["id"]})
    )
    browser.get("/")

    assert browser.get("/").text == "Claude"


def test_it_makes_its_table_at_each_start(app: Flask, resource: Any) -> None:
    meter = Meter(resource.meta.client)
    DynamoDBSessionInterface(Flask("another"), client=resource, table_name=TABLE)

    assert meter.calls == ["CreateTable"]


def test_who_reads_the_table_has_the_sessions(app: Flask, browser: FlaskClient, dynamodb: Any) -> None:
    (item,) = items(dynamodb, TABLE)
    thief = app.test_client()
    thief.set_cookie("session", item["id"]["S"].removeprefix("session:"))

    assert thief.get("/").text == "Claude"
