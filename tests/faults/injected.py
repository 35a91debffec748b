"""Faults injected at botocore's own hook: what it is made to believe that DynamoDB answered, or did not."""

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
        name: What happens.
        strike_with: Answers, or raises what botocore would.
        seconds: How long the attempt takes, in the time of the thread.
        final: Whether botocore makes no other attempt.
        suits: Whether it is a fault of such a call.
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
    """A body as urllib3 hands it out."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, body: bytes, **headers: str) -> Strike:
    """Answer as if it had come from DynamoDB, or from something in between."""
    named = HTTPHeaders.from_dict({name.replace("_", "-"): value for name, value in headers.items()})
    return lambda request: AWSResponse(request.url, status, named, Body(body))


def error(status: int, code: str, **headers: str) -> Strike:
    """Answer with an error of DynamoDB's own."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "x"}).encode()
    return answer(status, body, x_amz_crc32=str(crc32(body)), **headers)


def raising(kind: type[exceptions.BotoCoreError], **told: object) -> Strike:
    """Raise what botocore makes of what urllib3 raises."""

    def strike(request: AWSPreparedRequest) -> AWSResponse:
        raise kind(endpoint_url=request.url, **told)

    return strike


OK = Injected("ok", lambda _: None)
THROTTLING = Injected("ThrottlingException", error(400, "ThrottlingException"))
SILENCE = Injected("silence", raising(exceptions.ReadTimeoutError), seconds=ATTEMPT_SECONDS)


def has_fields_due(call: Call) -> bool:
    """Whether an answer without fields would be no answer; the others have none where there is nothing to tell."""
    batches = ("BatchGetItem", "BatchWriteItem")
    return call.operation in ("Query", *batches) or call.parameters.get("ReturnValues") == "ALL_NEW"


def is_batch(call: Call) -> bool:
    return call.operation in ("BatchGetItem", "BatchWriteItem")


def unprocessed(request: AWSPreparedRequest) -> AWSResponse | None:
    """Answer that of a batch nothing was done, as a throttled table does."""
    left = json.loads(cast("bytes", request.body))["RequestItems"]
    return answer(200, json.dumps({"Responses": {}, "UnprocessedKeys": left, "UnprocessedItems": left}).encode())(
        request
    )


# At every call of every scenario that they suit.
INJECTED = [
    THROTTLING,
    Injected("ProvisionedThroughputExceededException", error(400, "ProvisionedThroughputExceededException")),
    Injected("InternalServerError", error(500, "InternalServerError")),
    Injected("503 of a balancer", answer(503, b"<html>Service Unavailable</html>", content_type="text/html")),
    Injected("connection refused", raising(exceptions.EndpointConnectionError, error="refused")),
    SILENCE,
    Injected("connection reset", raising(exceptions.ConnectionClosedError)),
    Injected("200 that is no JSON", answer(200, b"<html>All is well</html>")),
    Injected("200 that is cut off", answer(200, b'{"Items": [{"agent_id": {"S":')),
    Injected("200 that is no object", answer(200, b"[]")),
    Injected("200 that is empty", answer(200, b"")),
    Injected("200 with another checksum", answer(200, b'{"Items": [], "Count": 0}', x_amz_crc32="1")),
    Injected("200 without what is due", answer(200, b"{}"), final=True, suits=has_fields_due),
    Injected("a batch left undone", unprocessed, suits=is_batch),
]

# At every call of some scenarios: other words for the same.
ALSO_INJECTED = [
    Injected("RequestLimitExceeded", error(400, "RequestLimitExceeded")),
    Injected("LimitExceededException", error(400, "LimitExceededException")),
    Injected("throttling that asks for 7 s", error(400, "ThrottlingException", x_amz_retry_after="7000"), final=True),
    Injected("ServiceUnavailable", error(503, "ServiceUnavailable")),
    Injected("no connection", raising(exceptions.ConnectTimeoutError), seconds=CONNECT_SECONDS),
    Injected("no TLS", raising(exceptions.SSLError, error="handshake")),
    Injected("400 that is no JSON", answer(400, b"<html>Bad Request</html>")),
]


def slow(fault: Injected, seconds: float = ATTEMPT_SECONDS) -> Injected:
    """Return what takes so long to show; no attempt takes longer than botocore waits."""
    return replace(fault, name=f"{fault} after {seconds} s", seconds=seconds)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Every call is slow or fails in its own way, each way in turn.

    Args:
        first: Which of the ways the first call has.
        stride: How many ways the next call is further; 0 leaves all at the first's.
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
