"""What the direct transport makes of responses: retries, errors, and the budget; as BotocoreTransport does."""

import json
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest

from agent_sessions import clock
from agent_sessions.deadline import time_limit
from agent_sessions.dynamodb import direct_transport
from agent_sessions.dynamodb.direct_connections import Connections, Reply
from agent_sessions.dynamodb.direct_transport import (
    BUDGET,
    DirectTransport,
    DynamoError,
    ThrottledError,
    UnavailableError,
)
from agent_sessions.dynamodb.transport import ClockSkewError, ConditionFailedError, MalformedResponseError
from agent_sessions.errors import DatabaseError
from tests.transport.conftest import KEYS

GOOD = {"Item": {"agent_id": {"S": "Ada \N{SNOWMAN}"}}}
SKEW = "Signature expired: 20261127T120000Z is now earlier than 20261127T121000Z (20261127T121500Z - 5 min.)"


class Script(Connections):
    """Returns or raises the next of these for each attempt; the last again and again."""

    def __init__(self, *outcomes: Reply | Exception) -> None:
        super().__init__("dynamodb.eu-west-1.amazonaws.com", None)
        self.sent: list[tuple[dict[str, str], dict[str, Any]]] = []
        self._outcomes = list(outcomes)

    def post(self, headers: Any, body: bytes) -> Reply:
        self.sent.append((dict(headers), json.loads(body)))
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def reply(status: int, fields: Any, **headers: str) -> Reply:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    message = HTTPMessage()
    for name, value in ({"x_amz_crc32": str(crc32(body))} | headers).items():
        message[name.replace("_", "-").title()] = value
    return Reply(status, message, body)


def error(code: str, message: str = "x", status: int = 400, **headers: str) -> Reply:
    return reply(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}, **headers)


def transport(*outcomes: Reply | Exception) -> tuple[DirectTransport, Script]:
    script = Script(*outcomes)
    return DirectTransport(script, "eu-west-1", lambda: KEYS), script


def cause_of(direct: DirectTransport) -> BaseException | None:
    with pytest.raises(DatabaseError) as caught:
        direct("GetItem", {})
    assert caught.value.operation == "GetItem"
    return caught.value.__cause__


def test_call_is_a_signed_post_of_json(frozen: Any) -> None:
    direct, script = transport(reply(200, GOOD))
    frozen.time = 1_795_780_800  # 2026-11-27T12:00:00Z

    assert direct("GetItem", {"TableName": "sessions", "Key": GOOD["Item"]}) == GOOD

    ((headers, body),) = script.sent
    assert body == {"TableName": "sessions", "Key": GOOD["Item"]}
    assert headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-date"] == "20261127T120000Z"
    assert headers["x-amz-security-token"] == "token"
    signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
    assert headers["authorization"].startswith(
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261127/eu-west-1/dynamodb/aws4_request, {signed}Signature="
    )


@pytest.mark.parametrize(
    "outcome",
    [
        ConnectionResetError(),
        TimeoutError(),
        reply(200, b""),
        reply(200, b"[]"),
        reply(200, b'{"Item": {'),
        reply(200, GOOD, x_amz_crc32="1"),
        reply(400, b"<html>"),
        reply(503, b"<html>Service Unavailable</html>"),
        error("InternalServerError", status=500),
        error("SomethingNew", status=500),
        error("ServiceUnavailable"),
        error("InvalidSignatureException", SKEW),
    ],
    ids=lambda outcome: f"{outcome.status} {outcome.body!r}" if isinstance(outcome, Reply) else type(outcome).__name__,
)
def test_transient_failure_is_retried_after_a_short_pause(pauses: list[float], outcome: Any) -> None:
    direct, script = transport(outcome, outcome, reply(200, GOOD))

    assert direct("GetItem", {}) == GOOD
    assert (len(script.sent), pauses) == (3, [0.025, 0.05])


def test_pauses_are_random_so_that_containers_do_not_retry_together(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct_transport, "random", SimpleNamespace(random=iter([0.0, 0.5]).__next__))
    direct, _ = transport(error("ThrottlingException"), error("ThrottlingException"), reply(200, GOOD))

    direct("GetItem", {})

    assert pauses == [0.0, 1.0]


@pytest.mark.parametrize(
    "outcome",
    [
        *map(error, ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"]),
        error("LimitExceededException"),
        error("SomethingNew", status=429),
    ],
    ids=lambda outcome: outcome.body.decode(),
)
def test_throttling_is_retried_after_a_long_pause(pauses: list[float], outcome: Reply) -> None:
    direct, script = transport(outcome, outcome, reply(200, GOOD))

    assert direct("GetItem", {}) == GOOD
    assert (len(script.sent), pauses) == (3, [1.0, 2.0])


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (ConnectionResetError(), ConnectionResetError),
        (reply(200, b""), MalformedResponseError),
        (error("InternalServerError", status=500), UnavailableError),
        (error("ThrottlingException"), ThrottledError),
        (error("InvalidSignatureException", SKEW), ClockSkewError),
        (error("InvalidSignatureException", "Signature not yet current: …"), ClockSkewError),
    ],
)
def test_third_failure_is_a_database_error(pauses: list[float], outcome: Any, cause: type) -> None:
    direct, script = transport(outcome)

    assert isinstance(cause_of(direct), cause)
    assert len(script.sent) == 3


def test_failed_condition_is_not_retried() -> None:
    direct, script = transport(error("ConditionalCheckFailedException"))

    with pytest.raises(ConditionFailedError):
        direct("PutItem", {})
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "User is not authorized to perform: dynamodb:Scan"),
        ("ValidationException", "Invalid UpdateExpression"),
        ("InvalidSignatureException", "The request signature we calculated does not match"),
    ],
)
def test_bug_or_missing_permission_is_raised_as_it_is(code: str, message: str) -> None:
    direct, script = transport(error(code, message))

    with pytest.raises(DynamoError, match=f"{code}: {message}"):
        direct("Scan", {})
    assert len(script.sent) == 1


@pytest.mark.parametrize(("asked", "pause"), [("500", 1.0), ("1500", 1.5), ("7000", 6.0), ("soon", 1.0), ("-1", 1.0)])
def test_pause_that_dynamodb_asks_for_is_kept_up_to_five_seconds_more(
    pauses: list[float], asked: str, pause: float
) -> None:
    direct, _ = transport(error("ThrottlingException", x_amz_retry_after=asked), reply(200, GOOD))

    direct("GetItem", {})

    assert pauses == [pause]


def test_no_attempt_starts_that_could_end_after_the_deadline(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 0.0, 2.4, 2.4])
    direct, script = transport(error("ThrottlingException"))
    monkeypatch.setattr(clock, "monotonic", lambda: next(seconds))

    with time_limit(4.8):
        assert isinstance(cause_of(direct), ThrottledError)
    assert (len(script.sent), pauses) == (1, [])


def test_no_call_starts_without_time_for_an_attempt() -> None:
    direct, script = transport(reply(200, GOOD))

    with time_limit(1.4):
        assert isinstance(cause_of(direct), TimeoutError)
    assert script.sent == []


def test_retries_end_when_the_budget_is_spent_and_resume_when_calls_succeed(pauses: list[float]) -> None:
    direct, script = transport(TimeoutError())
    for _ in range(BUDGET // 14):
        cause_of(direct)
    script.sent.clear()

    cause_of(direct)
    assert len(script.sent) == 1

    script._outcomes = [reply(200, GOOD)]
    for _ in range(20):
        direct("GetItem", {})
    script._outcomes = [TimeoutError(), reply(200, GOOD)]
    assert direct("GetItem", {}) == GOOD


def test_successful_retry_returns_what_it_cost(pauses: list[float]) -> None:
    direct, script = transport(reply(200, GOOD))
    for _ in range(BUDGET):
        script._outcomes = [TimeoutError(), reply(200, GOOD)]
        direct("GetItem", {})

    assert direct._budget == BUDGET


def test_missing_field_of_a_response_is_a_database_error() -> None:
    direct, _ = transport(reply(200, {}))

    with pytest.raises(DatabaseError):
        direct("Query", {})["Items"]
