"""Tests that leak a session token, each in another place; test_watch.py runs them and sees each fail."""

import base64
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from agent_sessions.domain.tokens import SessionToken
from tests.guards.leaks import LEAKS

AGENT = "4635ae41-c03a-534d-87c4-05465526a836"

FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda token: token,
    "base64": lambda token: base64.b64encode(f"Bearer {token}".encode()).decode(),
    "hex": lambda token: token.encode().hex(),
    "percent": lambda token: "".join(f"%{ord(character):02x}" for character in token),
}


@pytest.fixture(params=FORMS)
def leak(request: pytest.FixtureRequest) -> str:
    """A token that the service made, in one of its forms."""
    return FORMS[request.param](SessionToken.mint(AGENT).secret)


@pytest.fixture(scope="module")
def aws() -> Iterator[Callable[[str], Any]]:
    """Makes clients of AWS."""
    with mock_aws():
        yield lambda service: botocore.session.get_session().create_client(
            service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )


def answer(route: str, status: int, body: str = "{}", **more: Any) -> None:
    """Let a function answer so."""
    response = {"statusCode": status, "headers": {}, "body": body} | more
    LEAKS.watched(lambda *_: response)({"routeKey": route}, None)


def test_in_an_item(aws: Callable[[str], Any], leak: str) -> None:
    with pytest.raises(Exception, match="ResourceNotFound"):
        aws("dynamodb").put_item(TableName="none", Item={"agent_id": {"S": leak}})


def test_in_an_answer_of_aws(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    client = aws("dynamodb")
    # As an item that was written elsewhere comes back.
    answered = SimpleNamespace(status_code=200, headers={}, content=f'{{"TableNames": ["{leak}"]}}'.encode())
    client.meta.events.register_first("before-send", lambda **_: answered)
    client.list_tables()


def test_in_a_metric(aws: Callable[[str], Any], leak: str) -> None:
    data = {"MetricName": "x", "Value": 1, "Dimensions": [{"Name": "token", "Value": leak}]}
    aws("cloudwatch").put_metric_data(Namespace="x", MetricData=[data])


def test_on_stdout(leak: str) -> None:
    print(leak)  # noqa: T201


def test_on_stderr(leak: str) -> None:
    print(leak, file=sys.stderr)  # noqa: T201


def test_on_stdout_of_another_process(leak: str) -> None:
    subprocess.run(["echo", leak], check=True)  # noqa: S603, S607


def test_in_output_that_a_test_reads(leak: str, capsys: pytest.CaptureFixture[str]) -> None:
    print(leak)  # noqa: T201
    capsys.readouterr()


def test_in_the_log_of_a_library(leak: str) -> None:
    logging.getLogger("library").warning("failed: %s", leak)


def test_in_the_log_of_a_function(leak: str) -> None:
    Logger(service="planted", stream=sys.stdout).info("request", extra={"token": leak})


def test_in_an_answer(leak: str) -> None:
    answer("GET /agents", 200, f'{{"session": "{leak}"}}')


def test_in_a_header(leak: str) -> None:
    answer("DELETE /sessions/current", 204, headers={"Location": f"/sessions/{leak}"})


def test_in_an_error(leak: str) -> None:
    answer("GET /sessions/current", 401, f'{{"detail": "no session {leak}"}}')


def test_beside_the_one_that_is_shown(leak: str) -> None:
    shown = SessionToken.mint(AGENT).secret
    answer("POST /sessions", 201, f'{{"session_token": "{shown}", "session_id": "{leak}"}}')


def test_in_a_url(leak: str) -> None:
    LEAKS.request("GET /agents", f"https://api.example/agents?next={leak}", headers={})


def test_in_another_header(leak: str) -> None:
    LEAKS.request("GET /agents", headers={"X-Session-Token": leak})


def test_in_an_exception(leak: str) -> None:
    def fail(*_: Any) -> dict[str, Any]:
        raise RuntimeError(f"cannot read {leak}")

    with pytest.raises(RuntimeError):
        LEAKS.watched(fail)({"source": "aws.scheduler"}, None)


@pytest.fixture
def leaking_at_the_end(leak: str) -> Iterator[None]:
    yield
    print(leak)  # noqa: T201


def test_when_torn_down(leaking_at_the_end: None) -> None: ...
