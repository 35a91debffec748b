"""A database that does not respond is a 503, and never reported as "no such session"."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError, EndpointConnectionError, ReadTimeoutError

from tests.support.contract import ApiResponse
from tests.support.database import client_of
from tests.support.events import load_event
from tests.support.functions import Api
from tools.openapi.routes import BY_NAME


def failing_with(error: Exception, api: Api) -> Api:
    """Let every DynamoDB call of the functions fail, as after botocore's last attempt."""

    def fail(**_: object) -> None:
        raise error

    for function in api.functions.values():
        client_of(function.service.tables).meta.events.register("before-call.dynamodb", fail)
    return api


def client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


TRANSIENT = [
    client_error("ThrottlingException", 400),
    client_error("ProvisionedThroughputExceededException", 400),
    client_error("RequestLimitExceeded", 400),
    client_error("InternalServerError", 500),
    client_error("Whatever", 503),
    EndpointConnectionError(endpoint_url="x"),
    ReadTimeoutError(endpoint_url="x"),
    CredentialRetrievalError(provider="container-role", error_msg="x"),
]


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_transient_database_error_returns_503(
    api: Api, name: str, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    response: ApiResponse = failing_with(error, api).send(load_event(name))

    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert response.body["error"] == "DatabaseError"
    assert '"DatabaseErrors"' in capsys.readouterr().out


def test_clock_that_is_off_returns_503_and_is_logged(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    error = client_error("InvalidSignatureException", 400)
    error.response["Error"]["Message"] = "Signature expired: 20261127T120000Z is now earlier than 20261127T121000Z"

    assert failing_with(error, api).send(load_event("check_health")).status == 503
    assert '"cause":"ClockSkewError"' in capsys.readouterr().out


@pytest.mark.parametrize("name", BY_NAME)
def test_other_database_error_returns_500_and_is_logged(
    api: Api, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = client_error("AccessDeniedException", 400)

    response: ApiResponse = failing_with(error, api).send(load_event(name))

    assert (response.status, response.body["error"]) == (500, "InternalError")
    assert "AccessDenied" not in response.text
    assert "AccessDeniedException" in capsys.readouterr().out


def test_sign_in_before_the_cutoff_is_a_503_with_a_log_line_that_says_so(
    start: Callable[..., Api], capsys: pytest.CaptureFixture[str]
) -> None:
    api = start(SESSIONS_NOT_BEFORE="2099-01-01T00:00:00Z")

    response = api.sign_in()

    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert '"cause":"CutoffAheadError"' in capsys.readouterr().out
