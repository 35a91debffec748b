"""DynamoDB's protocol without botocore, for tests that make a hundred thousand calls to an engine on this machine.

A call takes a quarter of the CPU, so threads compete in the database and not for Python's interpreter. The client does
not sign, check or retry: the service itself is tested and measured with the client that it ships.
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
    """Ignore a call."""


class FastClient:
    """A client with one connection, which takes one call at a time; its methods are botocore's.

    Args:
        url: URL of the engine.
        key: Access key. The engine keeps separate tables for each key and region.
        region: AWS region.
        watch: Called with the operation, the body of the request and that of the response.
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
