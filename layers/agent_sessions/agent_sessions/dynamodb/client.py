"""The DynamoDB client, its patience, and its errors in the words of this package."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast
from zlib import crc32

from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError

from agent_sessions import aws_clients
from agent_sessions.deadline import seconds_left
from agent_sessions.errors import DatabaseError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0
ATTEMPT_SECONDS = CONNECT_SECONDS + READ_SECONDS

# Up to three attempts, as far as they fit in the time that an operation has.
CLIENT_CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,
    tcp_keepalive=True,
)
# Nobody waits for the report, and a page of a scan is a megabyte.
REPORT_CLIENT_CONFIG = CLIENT_CONFIG.merge(Config(read_timeout=10.0))

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)


# What botocore takes for trouble on the way, and tries again after.
RETRYABLE_RESPONSE = {"status_code": 500, "body": b'{"__type": "RequestTimeout"}'}


class ConditionFailedError(Exception):
    """A conditional write found another item than it asked for; an answer, not a failure."""


class MalformedResponseError(Exception):
    """What came back is not what DynamoDB sends, though it says that all is well."""


_UNREACHABLE = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.ChecksumError,
    ResponseParserError,
    MalformedResponseError,
)


class DynamoResponse(dict[str, Any]):
    """What DynamoDB answered; to ask for a field that it left out raises DatabaseError."""

    def __init__(self, operation: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self._operation = operation

    def __missing__(self, field: str) -> Any:
        raise DatabaseError(self._operation) from MalformedResponseError(f"there is no {field}")


def create_client(patience: Config = CLIENT_CONFIG) -> "DynamoDBClient":
    """Make a client of DynamoDB."""
    client: DynamoDBClient = aws_clients.create_client("dynamodb", patience)
    validate_responses(client)
    return client


def validate_responses(client: "DynamoDBClient") -> None:
    """Let a client believe no answer that is not DynamoDB's, and begin no attempt that it has no time for."""
    client.meta.events.register("before-parse.dynamodb", _refuse_malformed)
    # The first handler that answers decides; botocore's types know of no answers.
    client.meta.events.register_first("needs-retry.dynamodb", cast("Callable[..., None]", _refuse_late))


def call(operation: Callable[..., Any], **parameters: Any) -> DynamoResponse:
    """Call DynamoDB.

    Raises:
        ConditionFailedError: the condition of a write was not met.
        DatabaseError: DynamoDB throttled, failed, could not be reached or answered nonsense, after all
            attempts that there was time for.
        ClientError: anything else is a bug in this package or its permissions, and stays visible.
    """
    name = operation.__name__
    if seconds_left() < ATTEMPT_SECONDS:
        raise DatabaseError(name) from TimeoutError("the calls before took all the time")
    try:
        fields = operation(**parameters)
        if "Error" in fields:  # the status was 200, so botocore raises nothing
            raise MalformedResponseError
        return DynamoResponse(name, fields)
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailedError from error
        if code in _TRANSIENT or status >= 500:
            raise DatabaseError(name) from error
        raise
    except _UNREACHABLE as error:
        raise DatabaseError(name) from error


def _refuse_malformed(response_dict: dict[str, Any], **_: Any) -> None:
    """Let botocore read no answer that is not whole, which it would take for an empty one.

    An empty answer means "no such item", so believing a garbled one would sign an agent out.
    """
    if not _is_whole(response_dict["body"], response_dict["headers"].get("x-amz-crc32")):
        response_dict |= RETRYABLE_RESPONSE


def _is_whole(body: bytes, checksum: str | None) -> bool:
    if checksum is not None:
        return checksum == str(crc32(body))
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _refuse_late(attempts: int, response: tuple[Any, Any] | None, **_: Any) -> Literal[False] | None:
    """Tell botocore not to try again (False) where its longest pause and an attempt would end too late."""
    pause = 0.1
    if response is not None:
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html: throttled, it waits
        # up to 1 s, then up to 2 s; where DynamoDB asks for more, up to 5 s longer.
        pause = 2 ** (attempts - 1) + (5 if "x-amz-retry-after" in response[0].headers else 0)
    return False if seconds_left() < pause + ATTEMPT_SECONDS else None
