"""What the tables need of DynamoDB: one call that takes an operation and its request, and returns the response."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agent_sessions.dynamodb.items import Item
from agent_sessions.errors import DatabaseError

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0
ATTEMPT_SECONDS = CONNECT_SECONDS + READ_SECONDS

type Request = dict[str, Any]

type Transport = Callable[[str, Request], DynamoResponse]
"""Calls DynamoDB: ``transport("GetItem", {"TableName": …})`` returns the response.

The operation and the request are those of the API reference, in DynamoDB's own JSON.

Raises:
    ConditionFailedError: the condition of a write was not met.
    DatabaseError: DynamoDB throttled or failed the call, could not be reached, or sent a malformed response,
        and no time is left for another attempt.

Any other error is a bug in this package or in its permissions, and is raised as it is.
"""


# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
    }
)
TRANSIENT = THROTTLED | {"InternalServerError", "ServiceUnavailable"}


class ConditionFailedError(Exception):
    """The item did not meet the condition of a write. An outcome that the tables handle, not a failure."""


class MalformedResponseError(Exception):
    """The response is not one that DynamoDB sends, although its status is 200."""


class ClockSkewError(Exception):
    """The clock of this machine is too far from DynamoDB's, so that a signature is expired or not yet valid."""


def is_clock_skew(code: str, message: str) -> bool:
    """Whether an error response blames the time of the signature; a wrong signature has the same code."""
    return code == "InvalidSignatureException" and message.startswith(
        ("Signature expired", "Signature not yet current")
    )


class DynamoResponse(dict[str, Any]):
    """The fields of a response; reading a field that is missing raises DatabaseError."""

    def __init__(self, operation: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self._operation = operation

    def __missing__(self, field: str) -> Any:
        raise DatabaseError(self._operation) from MalformedResponseError(f"the response has no {field}")


def succeeds(transport: Transport, operation: str, request: Request) -> bool:
    """Make a conditional write; return whether its condition was met."""
    try:
        transport(operation, request)
    except ConditionFailedError:
        return False
    return True


def pages[T](
    transport: Transport, operation: str, request: Request, read: Callable[[Item], T]
) -> Iterator[tuple[Sequence[T], dict[str, Any] | None]]:
    """Yield what ``read`` makes of the items of a Query or a Scan, a page at a time, with the key where it ends.

    No response is kept while the next one is read, so memory does not grow with the number of pages.
    """
    while True:
        response = transport(operation, request)
        page, last_key = [read(item) for item in response["Items"]], response.get("LastEvaluatedKey")
        del response
        yield page, last_key
        if last_key is None:
            return
        request = {**request, "ExclusiveStartKey": last_key}
