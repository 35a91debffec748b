"""One request of each route, by the number of sessions of one agent, with the time of a small function.

Deletions are counted but not made, so that every request meets the same sessions.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from agent_sessions import clock
from agent_sessions.domain.models import Session, SignedIn
from agent_sessions.dynamodb.client import BotocoreTransport
from agent_sessions.dynamodb.items import Item, agent_key, session_item
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.dynamodb.transport import DynamoResponse, Request
from agent_sessions.errors import DatabaseError
from agent_sessions.services.agents import AgentService
from agent_sessions.services.roster import RosterService
from agent_sessions.services.sessions import SessionService
from agent_sessions.settings import Settings
from benchmarks.measurements.fill import fill
from benchmarks.service import OWNER, Service
from tools.dynamodb.function_time import FunctionTime

NAME = "Busy"
CALL_SECONDS = 0.005  # of a call to DynamoDB
AGENT_UNITS, SESSION_UNITS = 3, 2  # of a deletion, with the entries in the indexes


def measure(url: str, sizes: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Return the calls, units and seconds of each route at these numbers of live, and of expired, sessions."""
    return {
        state: _grow(Service.create(url, "partition", account=state), state, sizes) for state in ("live", "expired")
    }


def _grow(service: Service, state: str, sizes: Sequence[int]) -> list[dict[str, Any]]:
    function = Function(service)
    with patch.object(clock, "now", lambda: function.now), patch.object(clock, "monotonic", function.time):
        known, entries = function.sessions.sign_in(OWNER, NAME).session, []

        def item(number: int) -> Item:
            session_id = str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))
            expires_at = known.ends_at if state == "live" else known.created_at - 3600
            return session_item(replace(known, session_id=session_id, sign_in_number=number, expires_at=expires_at))

        for before, size in pairwise((1, *sizes)):
            fill(service, range(before, size), item)
            routes = {route: function.measure(known, each) for route, each in function.requests(known).items()}
            entries.append({"sessions": size, "routes": routes})
    return entries


class Function:
    """The services as a function of 512 MB calls them."""

    def __init__(self, service: Service) -> None:
        self.now, self.time, self._units = int(time.time()) // 300 * 300, FunctionTime(CALL_SECONDS), 0.0
        self._service, self._transport = service, BotocoreTransport(service.client)
        settings = Settings.from_environment(service.environ(MAX_SESSIONS_PER_AGENT="100"))
        tables = Tables.over(self.time.over(self._call), settings)
        self.sessions, self.agents = SessionService(tables, settings), AgentService(tables, settings)
        self.roster = RosterService(tables, settings)

    def requests(self, known: Session) -> dict[str, Callable[[SignedIn], object]]:
        """Return a request of each route; each is given a session of its own."""
        sessions, agents, roster, agent_id = self.sessions, self.agents, self.roster, known.agent_id
        return {
            "POST /sessions": lambda _: sessions.sign_in(OWNER, NAME),
            "POST /sessions (exclusive)": lambda _: sessions.sign_in(OWNER, NAME, exclusive=True),
            "GET /sessions/current": lambda own: sessions.validate(own.session_token),
            "PATCH /sessions/current": lambda own: sessions.report_progress(own.session_token, {"state": "idle"}),
            "DELETE /sessions/current": lambda own: sessions.sign_out(own.session_token),
            "GET /sessions": lambda _: roster.list_sessions(OWNER),
            "DELETE /sessions": lambda _: roster.end_all_sessions(OWNER),
            "GET /agents": lambda _: roster.list_agents(OWNER),
            "GET /agents?agent_name=": lambda _: agents.find_agent(OWNER, NAME),
            "GET /agents/{agent_id}": lambda _: agents.get_agent(OWNER, agent_id),
            "PATCH /agents/{agent_id}": lambda _: agents.block(OWNER, agent_id),
            "DELETE /agents/{agent_id}": lambda _: agents.delete(OWNER, agent_id),
            "GET /agents/{agent_id}/sessions": lambda _: agents.list_sessions(OWNER, agent_id),
            "DELETE /agents/{agent_id}/sessions": lambda _: agents.end_all_sessions(OWNER, agent_id),
            "PATCH /agents/{agent_id}/sessions/{session_id}": lambda own: agents.request_stop(
                OWNER, agent_id, own.session.session_id, "enough"
            ),
            "DELETE /agents/{agent_id}/sessions/{session_id}": lambda own: agents.end_session(
                OWNER, agent_id, own.session.session_id
            ),
        }

    def measure(self, known: Session, request: Callable[[SignedIn], object]) -> dict[str, float]:
        """Make a request for which all is due that can be: a touch, an update of the agent, a sweep."""
        self.agents.unblock(OWNER, known.agent_id)
        own = self.sessions.sign_in(OWNER, NAME)
        self._service.client.update_item(
            TableName=self._service.tables["AGENTS_TABLE"],
            Key=agent_key(known.agent_id),
            UpdateExpression="SET swept_at = :zero ADD sign_ins :many",
            ExpressionAttributeValues={":zero": {"N": "0"}, ":many": {"N": "1000000"}},
        )
        self.now += 300
        self.time.calls.clear()
        self._units, begin = 0.0, self.time()
        with suppress(DatabaseError):  # of a request that cannot finish in its time
            request(own)
        return {"calls": len(self.time.calls), "units": self._units, "seconds": self.time() - begin}

    def _call(self, operation: str, request: Request) -> DynamoResponse:
        if operation == "BatchWriteItem":
            self._units += SESSION_UNITS * sum(map(len, request["RequestItems"].values()))
            return DynamoResponse(operation, {"UnprocessedItems": {}})
        if operation == "DeleteItem" and "ReturnValues" not in request:  # by a sweep, or of an agent
            self._units += SESSION_UNITS if "session_id" in request["Key"] else AGENT_UNITS
            return DynamoResponse(operation, {})
        response = self._transport(operation, {**request, "ReturnConsumedCapacity": "TOTAL"})
        consumed = response["ConsumedCapacity"]
        self._units += sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        return response
