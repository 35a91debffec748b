"""One request of each route, by the number of sessions of one agent, with the time of a small function.

Deletions are counted but not made, so that every request meets the same sessions.
"""

import contextlib
import io
import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from agent_sessions import clock
from agent_sessions.domain.models import Session
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.items import agent_key
from agent_sessions.dynamodb.transport import DynamoResponse, Request
from agent_sessions.http.caller import owner_of
from benchmarks.measurements.requests import CONTEXT, Event, load
from benchmarks.service import Service
from tools.cloudformation import logical_function
from tools.dynamodb.capacity_meter import Meter
from tools.dynamodb.function_time import FunctionTime
from tools.openapi.events import event_of, for_session
from tools.openapi.routes import BY_KEY, BY_NAME, CLAUDE, ROUTES

CALL_SECONDS = 0.005  # of a call to DynamoDB
AGENT_UNITS, SESSION_UNITS = 3, 2  # of a deletion, with the entries in the indexes
SIGN_IN, LIST_AGENTS = BY_NAME["sign_in"], BY_NAME["list_agents"]
# The examples are requests of one owner to its one agent.
API_AUTH = "AWS_IAM"
OWNER = owner_of(event_of(SIGN_IN), api_auth=API_AUTH)


def measure(url: str, sizes: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Return the calls, units and seconds of each route at these numbers of live, and of expired, sessions."""
    with contextlib.redirect_stdout(io.StringIO()):  # the functions' log
        return {state: _grow(Service.create(url, state), state, sizes) for state in ("live", "expired")}


def _grow(service: Service, state: str, sizes: Sequence[int]) -> list[dict[str, Any]]:
    api, entries = Api(service), []
    with patch.object(clock, "now", lambda: api.now), patch.object(clock, "monotonic", api.time):
        known: Session = api.sessions.sign_in(OWNER, **CLAUDE).session
        expires_at = known.ends_at if state == "live" else known.created_at - 3600
        for before, size in pairwise((1, *sizes)):
            service.fill(
                replace(known, session_id=str(uuid.uuid4()), sign_in_number=number, expires_at=expires_at)
                for number in range(before, size)
            )
            routes = {name: api.measure(known.agent_id, event) for name, event in requests().items()}
            entries.append({"sessions": size, "routes": routes})
    return entries


def requests() -> dict[str, Event]:
    """Return an example of each route, and variations of two."""
    events = {route.key: event_of(route) for route in ROUTES if re.search(" /(sessions|agents)", route.key)}
    exclusive = events[SIGN_IN.key] | {"body": json.dumps(CLAUDE | {"exclusive": True})}
    variations = {f"{SIGN_IN.key} (exclusive)": exclusive, f"{LIST_AGENTS.key}?agent_name=": events[LIST_AGENTS.key]}
    return {name: event | {"rawQueryString": ""} for name, event in events.items()} | variations


class Api:
    """The functions of the API, each with the time of a function of 512 MB."""

    def __init__(self, service: Service) -> None:
        self.now, self.time, self._deleted = int(time.time()) // 300 * 300, FunctionTime(CALL_SECONDS), 0
        self._service, self._transport, self._meter = service, BotocoreTransport(service.client), Meter(service.client)
        environ = service.environ(API_AUTH=API_AUTH, MAX_SESSIONS_PER_AGENT="100")
        with patch("agent_sessions.dynamodb.tables.connect", return_value=self.time.over(self._call)):
            self._functions = {name: load(logical_function(name), **environ) for name in ("sessions", "agents")}
        self.sessions, self.agents = (function.service for function in self._functions.values())

    def measure(self, agent_id: str, event: Event) -> dict[str, float]:
        """Make a request for which all is due that can be: a touch, an update of the agent, a sweep."""
        self.agents.unblock(OWNER, agent_id)
        own = self.sessions.sign_in(OWNER, **CLAUDE)
        self._service.client.update_item(
            TableName=self._service.tables["AGENTS_TABLE"],
            Key=agent_key(agent_id),
            UpdateExpression="SET swept_at = :zero ADD sign_ins :many",
            ExpressionAttributeValues={":zero": {"N": "0"}, ":many": {"N": "1000000"}},
        )
        event = for_session(event, session_token=own.session_token, session_id=own.session.session_id)
        handler = self._functions[BY_KEY[event["routeKey"]].function].handler
        self.now += 300
        self.time.calls.clear()
        self._meter.reset()
        self._deleted, begin = 0, self.time()
        status = handler(event, CONTEXT)["statusCode"]
        seconds, (_, read_units, write_units) = self.time() - begin, self._meter.spent
        assert status < 400 or status == 503, status  # 503: the request cannot finish in its time
        return {"calls": len(self.time.calls), "units": self._deleted + read_units + write_units, "seconds": seconds}

    def _call(self, operation: str, request: Request) -> DynamoResponse:
        if operation == "BatchWriteItem":
            self._deleted += SESSION_UNITS * sum(map(len, request["RequestItems"].values()))
            return DynamoResponse(operation, {"UnprocessedItems": {}})
        if operation == "DeleteItem" and "ReturnValues" not in request:  # by a sweep, or of an agent
            self._deleted += SESSION_UNITS if "session_id" in request["Key"] else AGENT_UNITS
            return DynamoResponse(operation, {})
        return self._transport(operation, request)
