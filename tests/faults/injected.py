"""Faults injected at a hook of botocore, in place of a response of DynamoDB."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, cast
from zlib import crc32

from botocore import exceptions
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from agent_sessions import clock
from agent_sessions.dynamodb.transport import ATTEMPT_SECONDS, CONNECT_SECONDS
from tests.faults.harness import Call, VirtualTime
from tests.support.proxy import Proxy

type Strike = Callable[[AWSPreparedRequest], AWSResponse | None]


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault of one attempt.

    Args:
        name: The name, for test ids.
        strike_with: Returns a response, or raises an error of botocore.
        seconds: The time of the attempt, in virtual time.
        final: Whether botocore does not retry.
        suits: Whether a call can have this fault.
    """

    name: str
    strike_with: Strike
    seconds: float = 0.0
    final: bool = False
    suits: Callable[[Call], bool] = lambda _: True
    applies: ClassVar[bool] = False

    def strike(self, request: AWSPreparedRequest, _: Proxy | None) -> AWSResponse | None:
        assert isinstance(clock.monotonic, VirtualTime)
        clock.monotonic.sleep(self.seconds)
        return self.strike_with(request)

    def __str__(self) -> str:
        return self.name


class Body(io.BytesIO):
    """A body with the interface of urllib3."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def respond(status: int, body: bytes, **headers: str) -> Strike:
    """Return a response as of DynamoDB, or of something between."""
    named = HTTPHeaders.from_dict({name.replace("_", "-"): value for name, value in headers.items()})
    return lambda request: AWSResponse(request.url, status, named, Body(body))


def error(status: int, code: str, **headers: str) -> Strike:
    """Return an error response of DynamoDB."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "x"}).encode()
    return respond(status, body, x_amz_crc32=str(crc32(body)), **headers)


def raising(kind: type[exceptions.BotoCoreError], **details: object) -> Strike:
    """Raise the error of botocore for an error of urllib3."""

    def strike(request: AWSPreparedRequest) -> AWSResponse:
        raise kind(endpoint_url=request.url, **details)

    return strike


OK = Injected("ok", lambda _: None)
THROTTLING = Injected("ThrottlingException", error(400, "ThrottlingException"))
SILENCE = Injected("silence", raising(exceptions.ReadTimeoutError), seconds=ATTEMPT_SECONDS)


def has_fields_due(call: Call) -> bool:
    """Whether a response without fields is malformed; those of other calls may be empty."""
    batches = ("BatchGetItem", "BatchWriteItem")
    return call.operation in ("Query", *batches) or call.parameters.get("ReturnValues") == "ALL_NEW"


def is_batch(call: Call) -> bool:
    return call.operation in ("BatchGetItem", "BatchWriteItem")


def unprocessed(request: AWSPreparedRequest) -> AWSResponse | None:
    """Return a batch as unprocessed, as a throttled table does."""
    left = json.loads(cast("bytes", request.body))["RequestItems"]
    return respond(200, json.dumps({"Responses": {}, "UnprocessedKeys": left, "UnprocessedItems": left}).encode())(
        request
    )


# At every call of every scenario that can have them.
INJECTED = [
    THROTTLING,
    Injected("ProvisionedThroughputExceededException", error(400, "ProvisionedThroughputExceededException")),
    Injected("InternalServerError", error(500, "InternalServerError")),
    Injected("503 of a balancer", respond(503, b"<html>Service Unavailable</html>", content_type="text/html")),
    Injected("connection refused", raising(exceptions.EndpointConnectionError, error="refused")),
    SILENCE,
    Injected("connection reset", raising(exceptions.ConnectionClosedError)),
    Injected("200 that is not JSON", respond(200, b"<html>All is well</html>")),
    Injected("truncated 200", respond(200, b'{"Items": [{"agent_id": {"S":')),
    Injected("200 that is not an object", respond(200, b"[]")),
    Injected("empty 200", respond(200, b"")),
    Injected("200 with wrong checksum", respond(200, b'{"Items": [], "Count": 0}', x_amz_crc32="1")),
    Injected("200 without required fields", respond(200, b"{}"), final=True, suits=has_fields_due),
    Injected("unprocessed batch", unprocessed, suits=is_batch),
]

# Variants of the faults above, at every call of some scenarios.
ALSO_INJECTED = [
    Injected("RequestLimitExceeded", error(400, "RequestLimitExceeded")),
    Injected("LimitExceededException", error(400, "LimitExceededException")),
    Injected("throttling that asks for 7 s", error(400, "ThrottlingException", x_amz_retry_after="7000"), final=True),
    Injected("ServiceUnavailable", error(503, "ServiceUnavailable")),
    Injected("no connection", raising(exceptions.ConnectTimeoutError), seconds=CONNECT_SECONDS),
    Injected("no TLS", raising(exceptions.SSLError, error="handshake")),
    Injected("400 that is not JSON", respond(400, b"<html>Bad Request</html>")),
]


def slow(fault: Injected, seconds: float = ATTEMPT_SECONDS) -> Injected:
    """Return a fault that takes this long; no attempt takes longer than botocore waits."""
    return replace(fault, name=f"{fault} after {seconds} s", seconds=seconds)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A plan in which every call is slow or fails, each in the next of the ways.

    Args:
        first: The way of the first call.
        stride: The distance to the way of the next call; with 0, all calls have the same.
    """

    first: int
    stride: int

    WAYS: ClassVar[tuple[tuple[Injected, ...], ...]] = (
        (OK,),
        (slow(OK, 0.9),),
        (slow(OK),),
        (SILENCE, slow(OK)),
        (slow(THROTTLING), slow(OK)),
        (SILENCE, SILENCE, OK),
        (THROTTLING, THROTTLING, OK),
        (slow(THROTTLING), SILENCE, slow(OK)),
    )

    def plan(self, call: int, attempt: int) -> Injected:
        way = self.WAYS[(self.first + call * self.stride) % len(self.WAYS)]
        return way[min(attempt, len(way) - 1)]


MIXTURES = [Mixture(first, stride) for first in range(len(Mixture.WAYS)) for stride in (0, 1, 3)]
