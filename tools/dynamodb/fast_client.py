"""DynamoDB's protocol without botocore, for who makes a hundred thousand calls to an engine on this machine.

A call takes a quarter of the CPU, so many threads at once meet in the database instead of waiting for each
other's turn in Python. It neither signs, nor checks, nor tries again: what the service does is tested and
measured with the client that it ships.
"""

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

TIMEOUT = 30
type Watch = Callable[[str, str, bytes], None]


def unwatched(_operation: str, _sent: str, _received: bytes) -> None:
    """Look at nothing."""


class FastClient:
    """A client with one connection, which takes one call at a time; its methods are botocore's.

    Args:
        url: Of the engine.
        key: The access key of an account; it has tables of its own in each region.
        region: Of AWS.
        watch: Is shown what went out and came back, with the name of the operation.
    """

    def __init__(self, url: str, *, key: str, region: str, watch: Watch = unwatched) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
        scope = f"{key}/20260101/{region}/dynamodb/aws4_request"
        self._headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=unchecked",
        }
        self._lock = threading.Lock()
        self._watch = watch

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        operation = "".join(word.title() for word in name.split("_"))

        def method(**parameters: Any) -> dict[str, Any]:
            return self._call(operation, json.dumps(parameters))

        method.__name__ = name
        setattr(self, name, method)
        return method

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _call(self, operation: str, sent: str) -> dict[str, Any]:
        headers = self._headers | {"X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        with self._lock:
            self._connection.request("POST", "/", sent, headers)
            response = self._connection.getresponse()
            received = response.read()
        self._watch(operation, sent, received)
        fields: dict[str, Any] = json.loads(received)
        if response.status != HTTPStatus.OK:
            error: Any = {
                "Error": {"Code": fields["__type"].partition("#")[2], "Message": fields.get("message", "")},
                "ResponseMetadata": {"HTTPStatusCode": response.status},
            }
            raise ClientError(error, operation)
        return fields
