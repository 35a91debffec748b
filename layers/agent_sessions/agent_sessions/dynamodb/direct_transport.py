"""DynamoDB without botocore, for plain circumstances (see connect.py): a fraction of its CPU time, and no models."""

import json
import random
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from zlib import crc32

from agent_sessions import clock
from agent_sessions.deadline import seconds_left
from agent_sessions.dynamodb import transport as protocol
from agent_sessions.dynamodb.container_credentials import ContainerCredentials, Credentials
from agent_sessions.dynamodb.direct_connections import Connections, Reply
from agent_sessions.dynamodb.direct_signing import authorization
from agent_sessions.dynamodb.transport import ATTEMPT_SECONDS, ClockSkewError, MalformedResponseError, Request
from agent_sessions.errors import DatabaseError

# The retries of BotocoreTransport: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
MAX_ATTEMPTS = 3
BUDGET = 500

_json = json.JSONEncoder(separators=(",", ":")).encode


class DynamoError(Exception):
    """DynamoDB refused a call: a bug in this package, or a missing permission."""


class UnavailableError(Exception):
    """DynamoDB failed a call; another attempt can succeed."""

    cost, pause_seconds, after_seconds = 14, 0.025, 0.0


class ThrottledError(UnavailableError):
    """DynamoDB throttled a call, and may ask for a pause."""

    cost, pause_seconds = 5, 1.0


_RETRYABLE = (OSError, HTTPException, MalformedResponseError, UnavailableError, ClockSkewError)


class DirectTransport:
    """A ``Transport`` (see transport.py); safe with threads, which share connections and the budget of retries."""

    def __init__(self, connections: Connections, region: str, credentials: Callable[[], Credentials]) -> None:
        self.connections, self._region, self._credentials = connections, region, credentials
        self._budget, self._lock = BUDGET, threading.Lock()

    def __call__(self, operation: str, request: Request) -> protocol.DynamoResponse:
        """Call DynamoDB; ``Transport`` describes the errors."""
        if seconds_left() < ATTEMPT_SECONDS:
            raise DatabaseError(operation) from TimeoutError("earlier calls used up the time of this request")
        body, spent = _json(request).encode(), 0
        for attempt in range(MAX_ATTEMPTS):
            try:
                fields = self._attempt(operation, body)
            except _RETRYABLE as error:
                failure = error if isinstance(error, UnavailableError) else UnavailableError()
                pause, spent = _pause(attempt, failure), failure.cost
                is_late = seconds_left() < pause + ATTEMPT_SECONDS
                if attempt + 1 == MAX_ATTEMPTS or is_late or not self._spend(spent):
                    raise DatabaseError(operation) from error
                time.sleep(pause)
            else:
                self._spend(-spent or -1)
                return protocol.DynamoResponse(operation, fields)
        raise AssertionError("the last attempt returns or raises")

    def forget(self) -> None:
        """Drop what a snapshot must not share: connections, and credentials of the container."""
        self.connections.drop()
        if isinstance(self._credentials, ContainerCredentials):
            self._credentials.forget()

    def _attempt(self, operation: str, body: bytes) -> dict[str, Any]:
        access_key, secret_key, token, _ = self._credentials()
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self.connections.host,
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.now())),
            "x-amz-target": f"DynamoDB_20120810.{operation}",
            **({"x-amz-security-token": token} if token else {}),
        }
        signature = authorization(access_key, secret_key, self._region, headers, body)
        unsigned = {"authorization": signature, "accept-encoding": "identity", "user-agent": "agent-sessions"}
        return _read(self.connections.post(headers | unsigned, body))

    def _spend(self, tokens: int) -> bool:
        with self._lock:
            if tokens > self._budget:
                return False
            self._budget = min(BUDGET, self._budget - tokens)
            return True


def _pause(attempt: int, failure: UnavailableError) -> float:
    pause: float = random.random() * failure.pause_seconds * 2**attempt  # noqa: S311  jitter need not be secret
    return max(pause, min(failure.after_seconds, pause + 5))


def _read(reply: Reply) -> dict[str, Any]:
    """Return the fields of a response, or raise its error; accept no truncated or garbled one."""
    checksum = reply.headers.get("x-amz-crc32")
    try:
        fields = json.loads(reply.body) if checksum in (None, str(crc32(reply.body))) else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise MalformedResponseError("the response is truncated or garbled")
    if reply.status == 200:
        return fields
    code, message = str(fields.get("__type")).rpartition("#")[2], str(fields.get("message", fields.get("Message")))
    if code == "ConditionalCheckFailedException":
        raise protocol.ConditionFailedError
    if protocol.is_clock_skew(code, message):
        raise ClockSkewError(message)
    if code in protocol.THROTTLED or reply.status == 429:
        error = ThrottledError(code)
        after = reply.headers.get("x-amz-retry-after") or ""
        error.after_seconds = int(after) / 1000 if after.isdecimal() else 0.0
        raise error
    if code in protocol.TRANSIENT or reply.status >= 500:
        raise UnavailableError(code)
    raise DynamoError(f"{code}: {message}")
