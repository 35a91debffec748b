"""The direct transport with the events of a botocore client, so that what watches or breaks clients works on both."""

import json
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from http.client import HTTPMessage, RemoteDisconnected
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore import exceptions
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.hooks import HierarchicalEmitter, first_non_none_response
from botocore.model import OperationModel, ServiceModel

from agent_sessions.dynamodb import direct_connections, direct_transport
from agent_sessions.dynamodb.direct_connections import Connections, Reply
from agent_sessions.dynamodb.direct_transport import DirectTransport
from agent_sessions.dynamodb.transport import READ_SECONDS, ConditionFailedError, DynamoResponse, Request
from tests.guards.leaks import LEAKS

# What a handler of ``before-send`` raises in the words of botocore, in those of the standard library.
NATIVE: Mapping[type[exceptions.BotoCoreError], Callable[[], Exception]] = {
    exceptions.EndpointConnectionError: ConnectionRefusedError,
    exceptions.ConnectTimeoutError: TimeoutError,
    exceptions.ReadTimeoutError: TimeoutError,
    exceptions.ConnectionClosedError: lambda: RemoteDisconnected("closed"),
    exceptions.SSLError: ssl.SSLError,
}


@cache
def _model(operation: str) -> OperationModel:
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model("dynamodb", "service-2"), "dynamodb").operation_model(operation)


class ObservedConnections(Connections):
    """Emits ``before-send`` and ``response-received`` for each attempt."""

    events: HierarchicalEmitter
    usual_read_seconds = READ_SECONDS

    def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request, or return or raise what a handler of ``before-send`` does instead."""
        operation = headers["x-amz-target"].partition(".")[2]
        url = f"{'https' if self._tls else 'http'}://{self.host}/"
        request: Any = AWSPreparedRequest("POST", url, HTTPHeaders.from_dict(dict(headers)), body, stream_output=False)
        request.context = {}
        try:
            injected = self.events.emit_until_response(f"before-send.dynamodb.{operation}", request=request)[1]
        except exceptions.BotoCoreError as error:
            self.drop()
            native = NATIVE[type(error)]
            raise native() from error
        if injected is None:
            self.read_seconds = request.context.get("read_timeout", self.usual_read_seconds)
            for connection in self._idle:
                connection.settimeout(self.read_seconds)
            reply = super().post(headers, body)
        else:
            reply = Reply(injected.status_code, _message(injected.headers), injected.content)
        self.events.emit(f"response-received.dynamodb.{operation}", response_dict={"body": reply.body})
        return reply


def _message(headers: Mapping[str, str]) -> HTTPMessage:
    message = HTTPMessage()
    for name, value in headers.items():
        message[name] = value
    return message


class ObservedTransport(DirectTransport):
    """Emits the events of each call; ``client.meta.events`` are its events, as a botocore client has them."""

    created: Callable[["ObservedTransport"], None] = staticmethod(lambda _: None)

    def __init__(self, connections: Connections, region: str, credentials: Any) -> None:
        super().__init__(connections, region, credentials)
        self.events = HierarchicalEmitter()
        self.client = SimpleNamespace(meta=SimpleNamespace(events=self.events))
        assert isinstance(connections, ObservedConnections)
        connections.events = self.events
        LEAKS.watch(self.events)
        ObservedTransport.created(self)

    def __call__(self, operation: str, request: Request) -> DynamoResponse:
        """Call DynamoDB with what the handlers make of the request."""
        model, name = _model(operation), f"dynamodb.{operation}"
        provided = self.events.emit(f"provide-client-params.{name}", params=request, model=model)
        params = dict(first_non_none_response(provided, default=request))
        self.events.emit(f"before-parameter-build.{name}", params=params, model=model)
        self.events.emit(f"before-call.{name}", params={"body": json.dumps(params)}, model=model)
        try:
            parsed = super().__call__(operation, params)
        except ConditionFailedError:
            self.events.emit(f"after-call.{name}", parsed={}, model=model)
            raise
        self.events.emit(f"after-call.{name}", parsed=parsed, model=model)
        return parsed


def observe(patch: pytest.MonkeyPatch) -> list[ObservedTransport]:
    """Let ``connect`` make such transports; they are appended to the list, for ``forget`` when the tests end."""
    made: list[ObservedTransport] = []
    created = ObservedTransport.created

    def keep(transport: ObservedTransport) -> None:
        made.append(transport)
        created(transport)

    patch.setattr(ObservedTransport, "created", staticmethod(keep))
    patch.setattr(direct_connections, "Connections", ObservedConnections)
    patch.setattr(direct_transport, "DirectTransport", ObservedTransport)
    return made
