"""The DynamoDB client, its patience, and its errors in the words of this package."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError

from agent_sessions.errors import DatabaseError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Three attempts of at most 1 s each: a caller hears of a silent database before it gives up itself.
PATIENCE = Config(
    connect_timeout=0.5,
    read_timeout=1.0,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,
    tcp_keepalive=True,
)
# What a call takes at worst, with the pauses between its attempts.
SLOWEST_CALL_SECONDS = 6.0
# Nobody waits for the report, and a page of a scan is a megabyte.
REPORT_PATIENCE = PATIENCE.merge(Config(read_timeout=10.0))

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
_UNREACHABLE = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.ChecksumError,
    ResponseParserError,
)


class ConditionFailedError(Exception):
    """A conditional write found another item than it asked for; an answer, not a failure."""


def create_client(patience: Config = PATIENCE) -> "DynamoDBClient":
    """Make the client; its region, credentials and endpoint come from the environment, as AWS documents."""
    session = botocore.session.get_session()
    return cast("DynamoDBClient", session.create_client("dynamodb", config=patience))


def call(operation: Callable[..., Any], **parameters: Any) -> Mapping[str, Any]:
    """Call DynamoDB.

    Raises:
        ConditionFailedError: the condition of a write was not met.
        DatabaseError: DynamoDB throttled, failed or could not be reached, after all attempts.
        ClientError: anything else is a bug in this package or its permissions, and stays visible.
    """
    try:
        return cast("Mapping[str, Any]", operation(**parameters))
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailedError from error
        if code in _TRANSIENT or status >= 500:
            raise DatabaseError(operation.__name__) from error
        raise
    except _UNREACHABLE as error:
        raise DatabaseError(operation.__name__) from error
