"""A database that does not answer is told as such: never as "no such session"."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from agent_sessions.domain.tokens import SessionToken
from tests.support.contract import Answer
from tests.support.database import client_of
from tests.support.events import load_event
from tests.support.functions import Api

AGENT = "0b0b0b0b-0000-4000-8000-000000000009"
TOKEN = SessionToken.mint(AGENT).secret

ROUTES: dict[str, Callable[[Api], Answer]] = {
    "sign_in": lambda api: api.sign_in(),
    "validate": lambda api: api.validate(TOKEN),
    "sign_out": lambda api: api.sign_out(TOKEN),
    "find_agent": lambda api: api.find(agent_name="Claude"),
    "get_agent": lambda api: api.agent(AGENT),
    "list_sessions": lambda api: api.sessions(AGENT),
    "end_session": lambda api: api.end(AGENT, AGENT),
    "end_all_sessions": lambda api: api.end_all(AGENT),
    "health": lambda api: api.send(load_event("health")),
}


def failing_with(error: Exception, api: Api) -> Api:
    """Make every DynamoDB call of the functions fail, after botocore's own attempts."""

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
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_a_database_that_does_not_answer_is_a_503(
    api: Api, route: str, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    answer: Answer = ROUTES[route](failing_with(error, api))

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.body["error"] == "DatabaseError"
    assert '"DatabaseErrors"' in capsys.readouterr().out


@pytest.mark.parametrize("route", ROUTES)
def test_a_bug_is_a_500_that_is_told_to_the_log_only(api: Api, route: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = client_error("AccessDeniedException", 400)

    answer: Answer = ROUTES[route](failing_with(error, api))

    assert (answer.status, answer.body["error"]) == (500, "InternalError")
    assert "AccessDenied" not in answer.text
    assert "AccessDeniedException" in capsys.readouterr().out
