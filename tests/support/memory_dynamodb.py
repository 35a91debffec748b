"""DynamoDB in memory for botocore: its clients get their responses from a ``MemoryEngine`` instead of the network."""

import io
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from agent_sessions.dynamodb.transport import ConditionFailedError, Request
from tests.support.expressions import Bindings, Item, parse_condition
from tests.support.memory_engine import MemoryEngine, Table


class MemoryDynamoDB:
    """The tables of template.yaml, empty, as a handler of botocore's event ``before-send.dynamodb``."""

    def __init__(self) -> None:
        self._engine = MemoryEngine(*(Table.of(name, name) for name in ("AgentsTable", "SessionsTable")))

    def respond(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Return the response of DynamoDB to a request."""
        target, body = request.headers["X-Amz-Target"], request.body
        assert isinstance(target, bytes)
        assert isinstance(body, bytes)
        operation, parameters = target.decode().partition(".")[2], json.loads(body)
        try:
            fields = self._scan(**parameters) if operation == "Scan" else self._engine(operation, parameters)
        except ConditionFailedError:
            return json_response(request.url, 400, {"__type": "ConditionalCheckFailedException"})
        except KeyError:
            if self._has_tables(parameters):
                raise
            return json_response(request.url, 400, {"__type": "ResourceNotFoundException"})
        return json_response(request.url, 200, fields)

    def _has_tables(self, parameters: Request) -> bool:
        return {parameters.get("TableName"), *parameters.get("RequestItems", ())} <= {None, *self._engine.state}

    def _scan(
        self,
        *,
        TableName: str,
        Segment: int = 0,
        TotalSegments: int = 1,
        FilterExpression: str | None = None,
        ExpressionAttributeValues: Item | None = None,
        ProjectionExpression: str | None = None,
        Limit: int | None = None,
        ExclusiveStartKey: Item | None = None,
    ) -> Mapping[str, Any]:
        """Return the items of a segment on one page, up to a limit; an agent's are in one segment, in a row."""
        start = tuple(value["S"] for value in (ExclusiveStartKey or {}).values())
        left = [
            (key, item)
            for key, item in sorted(self._engine.state[TableName].items())
            if UUID(item["agent_id"]["S"]).int % TotalSegments == Segment and key > start
        ]
        items: Iterator[Item] = (item for _, item in left[:Limit])
        if FilterExpression is not None:
            bindings, is_match = Bindings({}, ExpressionAttributeValues or {}), parse_condition(FilterExpression)
            items = (item for item in items if is_match(item, bindings))
        names = ProjectionExpression.split(", ") if ProjectionExpression else None
        found = [item if names is None else {name: item[name] for name in names if name in item} for item in items]
        if Limit is None or len(left) <= Limit:
            return {"Items": found, "Count": len(found)}
        last_key = dict(zip(("agent_id", "session_id"), ({"S": each} for each in left[Limit - 1][0]), strict=False))
        return {"Items": found, "Count": len(found), "LastEvaluatedKey": last_key}


def json_response(url: str, status: int, fields: Mapping[str, Any]) -> AWSResponse:
    """Return a response as botocore receives it from a service with a JSON protocol."""
    body = json.dumps(fields).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-crc32": str(zlib.crc32(body))}
    return AWSResponse(url, status, HTTPHeaders.from_dict(headers), _Body(body))


class _Body(io.BytesIO):
    """A body with the interface of urllib3."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()
