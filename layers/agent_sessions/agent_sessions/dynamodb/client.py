"""DynamoDB through botocore: timeouts, retries within the deadline, and error mapping."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast
from zlib import crc32

from botocore import exceptions, xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from agent_sessions import aws_clients
from agent_sessions.deadline import seconds_left
from agent_sessions.dynamodb.transport import (
    ATTEMPT_SECONDS,
    CONNECT_SECONDS,
    READ_SECONDS,
    TRANSIENT,
    ClockSkewError,
    ConditionFailedError,
    DynamoResponse,
    MalformedResponseError,
    Request,
    is_clock_skew,
)
from agent_sessions.errors import DatabaseError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Up to three attempts, if they fit into the time that the request has left.
CLIENT_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,
    tcp_keepalive=True,
)
# No caller waits for the activity report, and a page of a scan is a megabyte.
REPORT_CLIENT_CONFIG = CLIENT_CONFIG.merge(Config(read_timeout=10.0))

_UNREACHABLE = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.ChecksumError,
    # Credentials that could not be fetched this time; missing ones are an error of the deployment.
    exceptions.CredentialRetrievalError,
    exceptions.MetadataRetrievalError,
    ResponseParserError,
    MalformedResponseError,
)

# botocore retries this as an error in transit.
RETRYABLE_RESPONSE = {"status_code": 500, "body": b'{"__type": "RequestTimeout"}'}

_method_name = cache(xform_name)


class BotocoreTransport:
    """A ``Transport`` (see transport.py) over a botocore client.

    Args:
        client: One that ``validate_responses`` has prepared.
    """

    def __init__(self, client: "DynamoDBClient") -> None:
        self.client = client

    @classmethod
    def connect(cls, config: Config = CLIENT_CONFIG) -> "BotocoreTransport":
        """Create the client from the environment, as AWS documents: region, credentials, endpoint."""
        client: DynamoDBClient = aws_clients.create_client("dynamodb", config)
        validate_responses(client)
        return cls(client)

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        """Call DynamoDB; ``Transport`` describes the errors."""
        if seconds_left() < ATTEMPT_SECONDS:
            raise DatabaseError(operation) from TimeoutError("earlier calls used up the time of this request")
        method: Callable[..., dict[str, Any]] = getattr(self.client, _method_name(operation))
        try:
            fields = method(**request)
            if "Error" in fields:  # with status 200, so that botocore raises nothing
                raise MalformedResponseError
            return DynamoResponse(operation, fields)
        except exceptions.ClientError as error:
            details: Any = error.response.get("Error", {})
            if is_clock_skew(details.get("Code", ""), details.get("Message", "")):
                raise DatabaseError(operation) from ClockSkewError(details["Message"])
            if (mapped := _mapped(operation, error.response)) is None:
                raise
            raise mapped from error
        except _UNREACHABLE as error:
            raise DatabaseError(operation) from error


def _mapped(operation: str, response: Mapping[str, Any]) -> ConditionFailedError | DatabaseError | None:
    """Return the exception for an error response; None if it shows a bug or a missing permission."""
    code = response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError()
    if code in TRANSIENT or response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return DatabaseError(operation)
    return None


def validate_responses(client: "DynamoDBClient") -> None:
    """Make a client reject malformed responses, and skip a retry that would end after the deadline."""
    client.meta.events.register("before-parse.dynamodb", _reject_malformed)
    # The first handler that returns a value decides; botocore's stubs do not know that handlers return any.
    late = cast("Callable[..., None]", _reject_late_retry)
    client.meta.events.register_first("needs-retry.dynamodb", late)


def _reject_malformed(response_dict: dict[str, Any], **_: Any) -> None:
    """Replace a truncated or garbled response, which botocore would read as an empty one.

    An empty response to GetItem means "no such item", so accepting one would sign an agent out.
    """
    if not _is_intact(response_dict["body"], response_dict["headers"].get("x-amz-crc32")):
        response_dict |= RETRYABLE_RESPONSE


def _is_intact(body: bytes, checksum: str | None) -> bool:
    if checksum is not None:
        return checksum == str(crc32(body))
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _reject_late_retry(attempts: int, response: tuple[Any, Any] | None, **_: Any) -> Literal[False] | None:
    """Return False (do not retry) if botocore's longest pause and one more attempt would end after the deadline."""
    pause = 0.1
    if response is not None:
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html: after throttling it waits
        # up to 1 s, then up to 2 s; if DynamoDB asks for a delay, up to 5 s longer.
        pause = 2 ** (attempts - 1) + (5 if "x-amz-retry-after" in response[0].headers else 0)
    return False if seconds_left() < pause + ATTEMPT_SECONDS else None
