"""Tests that each leak a session token in another place; test_guards.py runs them and checks that each fails."""

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
    """A token of the service, in one of the forms."""
    return FORMS[request.param](SessionToken.mint(AGENT).secret)


@pytest.fixture(scope="module")
def aws() -> Iterator[Callable[[str], Any]]:
    """Makes clients of AWS."""
    with mock_aws():
        yield lambda service: botocore.session.get_session().create_client(
            service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )


def respond(route: str, status: int, body: str = "{}", **more: Any) -> None:
    """Return this response from a function."""
    response = {"statusCode": status, "headers": {}, "body": body} | more
    LEAKS.guard(lambda *_: response)({"routeKey": route}, None)


def test_item(aws: Callable[[str], Any], leak: str) -> None:
    with pytest.raises(Exception, match="ResourceNotFound"):
        aws("dynamodb").put_item(TableName="none", Item={"agent_id": {"S": leak}})


def test_aws_response(aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    client = aws("dynamodb")
    # Like an item that another program wrote.
    response = SimpleNamespace(status_code=200, headers={}, content=f'{{"TableNames": ["{leak}"]}}'.encode())
    client.meta.events.register_first("before-send", lambda **_: response)
    client.list_tables()


def test_metric(aws: Callable[[str], Any], leak: str) -> None:
    data = {"MetricName": "x", "Value": 1, "Dimensions": [{"Name": "token", "Value": leak}]}
    aws("cloudwatch").put_metric_data(Namespace="x", MetricData=[data])


def test_stdout(leak: str) -> None:
    print(leak)  # noqa: T201


def test_stderr(leak: str) -> None:
    print(leak, file=sys.stderr)  # noqa: T201


def test_stdout_of_subprocess(leak: str) -> None:
    subprocess.run(["echo", leak], check=True)  # noqa: S603, S607


def test_output_that_test_reads(leak: str, capsys: pytest.CaptureFixture[str]) -> None:
    print(leak)  # noqa: T201
    capsys.readouterr()


def test_log_of_library(leak: str) -> None:
    logging.getLogger("library").warning("failed: %s", leak)


def test_log_of_function(leak: str) -> None:
    Logger(service="planted", stream=sys.stdout).info("request", extra={"token": leak})


def test_response_body(leak: str) -> None:
    respond("GET /agents", 200, f'{{"session": "{leak}"}}')


def test_response_header(leak: str) -> None:
    respond("DELETE /sessions/current", 204, headers={"Location": f"/sessions/{leak}"})


def test_error_body(leak: str) -> None:
    respond("GET /sessions/current", 401, f'{{"detail": "no session {leak}"}}')


def test_sign_in_response_beside_its_own_token(leak: str) -> None:
    shown = SessionToken.mint(AGENT).secret
    respond("POST /sessions", 201, f'{{"session_token": "{shown}", "session_id": "{leak}"}}')


def test_mcp_result(leak: str) -> None:
    respond("POST /mcp", 200, f'{{"result": {{"structuredContent": {{"session_token": "{leak}"}}}}}}')


def test_request_url(leak: str) -> None:
    LEAKS.check_request("GET /agents", f"https://api.example/agents?next={leak}", headers={})


def test_request_header(leak: str) -> None:
    LEAKS.check_request("GET /agents", headers={"X-Session-Token": leak})


def test_exception(leak: str) -> None:
    def fail(*_: Any) -> dict[str, Any]:
        raise RuntimeError(f"cannot read {leak}")

    with pytest.raises(RuntimeError):
        LEAKS.guard(fail)({"source": "aws.scheduler"}, None)


@pytest.fixture
def leak_in_teardown(leak: str) -> Iterator[None]:
    yield
    print(leak)  # noqa: T201


def test_teardown(leak_in_teardown: None) -> None: ...
