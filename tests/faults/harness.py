"""The functions of the API as Lambda loads them, on the engine, with a plan of faults for each attempt of a call."""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from agent_sessions import clock
from agent_sessions.domain import identity
from agent_sessions.dynamodb.agents_table import IDENTITY_INDEX, OWNER_INDEX
from agent_sessions.services.agents import AgentService
from agent_sessions.services.sessions import SessionService
from tests.conftest import FrozenClock
from tests.support.contract import ApiResponse
from tests.support.database import Database, client_of
from tests.support.events import Event, iam
from tests.support.functions import Api
from tests.support.proxy import Proxy
from tests.support.timeouts import HANG_SECONDS

NAME, CONTEXT = "Claude", "Project A"
KEY = identity.identity_key(NAME, CONTEXT)
START = FrozenClock().time

type Item = dict[str, Any]
type Request = Callable[[], ApiResponse]
type Scenario = Callable[[Harness], Request]


class ThreadClock(threading.local, FrozenClock):
    """A frozen clock for each thread, as every thread is a container."""


class Time(threading.local):
    """The seconds that a thread has been waiting, from the first fault of a request on."""

    # The most that a response may take.
    limit: float

    def reset(self) -> None: ...

    def start(self) -> None: ...

    def __call__(self) -> float:
        raise NotImplementedError


class VirtualTime(Time):
    """Passes only if something waits, and costs no real time."""

    limit = 5.0
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class TrueTime(Time):
    """Real time from the first fault on; on a busy machine, a response may take longer than its exact limit."""

    limit = 30.0
    started: float | None = None

    def reset(self) -> None:
        self.started = None

    def start(self) -> None:
        self.started = self.started or time.monotonic()

    def __call__(self) -> float:
        return 0.0 if self.started is None else time.monotonic() - self.started


class Fault(Protocol):
    """What happens to one attempt of a call; ``applies`` says whether the engine executes the call all the same."""

    @property
    def applies(self) -> bool: ...

    def strike(self, request: AWSPreparedRequest, proxy: Proxy | None) -> AWSResponse | None:
        """Return a response, raise an error of botocore, or return None to let the attempt continue."""


# The fault of an attempt, by the numbers of the call and of the attempt, from 0.
type Plan = Callable[[int, int], Fault | None]


def no_fault(_call: int, _attempt: int) -> None:
    """Plan no fault."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call to DynamoDB as the tables made it."""

    operation: str
    parameters: dict[str, Any]

    @property
    def writes(self) -> bool:
        return self.operation not in ("GetItem", "BatchGetItem", "Query")

    @property
    def update(self) -> str:
        """The update expression; empty if the call is not an update."""
        return str(self.parameters.get("UpdateExpression", ""))

    @property
    def is_touch(self) -> bool:
        return self.update == "SET last_active = :now, expires_at = :expires_at"

    @property
    def is_use_of_the_agent(self) -> bool:
        return self.update in ("SET last_active = :now", "SET last_active = :seen")

    @property
    def is_claim_of_a_sweep(self) -> bool:
        return self.update == "SET swept_at = :sign_ins"

    @property
    def ends_one_session(self) -> bool:
        """Whether it deletes a session and returns it, so that a second attempt returns nothing."""
        return self.operation == "DeleteItem" and self.parameters.get("ReturnValues") == "ALL_OLD"


@dataclass(frozen=True, slots=True)
class State:
    """The stored agents and sessions of the owner of a case."""

    agents: list[Item]
    sessions: list[Item]

    def live(self, now: int) -> int:
        """Return how many sessions have not expired."""
        return sum(int(each["expires_at"]["N"]) > now for each in self.sessions)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a request.

    Args:
        response: The response.
        seconds: The time that it took; the longest if the request was repeated until nothing was left.
        calls: The database calls.
        counted: The metrics.
        routes: The routes of the request, which is one.
    """

    response: ApiResponse
    seconds: float
    calls: list[Call]
    counted: Counter[str]
    routes: set[str]


class Counting(dict[str, int]):
    """Replaces the counts of a function, and keeps them across the requests of a case."""

    @property
    def total(self) -> Counter[str]:
        return Counter(self)


@dataclass
class TimedApi(Api):
    """The API, with the longest time of a request and the routes that were called."""

    slowest: float = 0.0
    routes: set[str] = field(default_factory=set)

    def send(self, event: Event) -> ApiResponse:
        self.routes.add(event["routeKey"])
        started = clock.monotonic()
        try:
            return super().send(event)
        finally:
            self.slowest = max(self.slowest, clock.monotonic() - started)


class Harness:
    """One container of each function, and services without deadline that prepare the state before a request.

    Args:
        database: The tables, which all harnesses share: each case has its own owner.
        functions: The modules of the functions.
        now: The frozen clock of the service.
        time: Measures how long a request takes.
        proxy: The proxy between the functions and the engine, if any.
    """

    def __init__(
        self,
        database: Database,
        functions: dict[str, ModuleType],
        *,
        now: ThreadClock,
        time: Time,
        proxy: Proxy | None = None,
    ) -> None:
        self.database, self.now, self.time = database, now, time
        self.sessions = SessionService(database.tables(), database.settings)
        self.agents = AgentService(database.tables(), database.settings)
        self._functions, self._proxy = functions, proxy
        self._plan: Plan = no_fault
        self._calls: list[Call] = []
        self._attempts, self._timed = 0, True
        self._counting = Counting()
        self._kept: dict[Scenario, tuple[Request, tuple[Any, ...]]] = {}
        self.page_size: int | None = None
        self.index_shows: str | None = None
        self.owner, self.api = "", TimedApi(functions)
        for function in functions.values():
            function.api.counts = self._counting
            function.api._metrics = dict  # the counts are read here, and stay out of the line
            events: Any = client_of(function.service.tables).meta.events
            events.register("provide-client-params.dynamodb.Query", self._turn_pages)
            events.register("before-call.dynamodb", self._count_call)
            events.register("before-send.dynamodb", self._send)
            events.register("after-call.dynamodb.Query", self._show_index)

    def begin(self, scenario: Scenario, *, again: bool = False) -> Request:
        """Begin a case: with a new owner without any items, at the same time as every case.

        Args:
            scenario: Prepares the state before its request.
            again: Whether the previous case changed nothing, so that its state is still prepared.
        """
        if again and scenario in self._kept:
            request, (self.owner, self.api, self.now.time, self.page_size, self.index_shows) = self._kept[scenario]
            return request
        user = f"arn:aws:iam::111122223333:user/{uuid.uuid4()}"
        self.owner, self.api, self.now.time = f"iam:{user}", TimedApi(self._functions, iam(user)), START
        self.page_size = self.index_shows = None
        request = scenario(self)
        self._kept[scenario] = request, (self.owner, self.api, self.now.time, self.page_size, self.index_shows)
        return request

    def send(self, request: Request, plan: Plan = no_fault, *, timed: bool = True) -> Outcome:
        """Send a request under a plan of faults; without ``timed`` it has no deadline."""
        self._plan, self._timed, self._calls = plan, timed, []
        self.time.reset()
        self._counting.clear()
        self.api.slowest = 0.0
        try:
            response = request()
        finally:
            self._plan = no_fault
        return Outcome(response, self.api.slowest, self._calls, self._counting.total, self.api.routes)

    def state(self) -> State:
        """Read the stored items, without faults."""
        settings = self.database.settings
        return State(
            self._stored(settings.agents_table, ("agent_id",)),
            self._stored(settings.sessions_table, ("agent_id", "session_id")),
        )

    def _stored(self, table: str, key: tuple[str, ...]) -> list[Item]:
        client, items = self.database.client, []
        request: Any = {
            "TableName": table,
            "IndexName": OWNER_INDEX,
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": {":owner": {"S": self.owner}},
        }
        for entry in client.query(**request)["Items"]:
            found = client.get_item(TableName=table, Key={name: entry[name] for name in key}, ConsistentRead=True)
            items.append(dict(found["Item"]))
        return items

    def _turn_pages(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        small = self.page_size is not None and params.get("IndexName") != IDENTITY_INDEX
        return params | {"Limit": self.page_size} if small else params

    def _count_call(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        self._calls.append(Call(model.name, json.loads(params["body"])))
        self._attempts = 0

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        fault = self._plan(len(self._calls) - 1, self._attempts)
        self._attempts += 1
        if fault is not None:
            request.context.pop("read_timeout", None)
            if self._timed:
                self.time.start()
            return fault.strike(request, self._proxy)
        # An attempt without a fault may take long on a busy machine.
        request.context["read_timeout"] = HANG_SECONDS
        if self._proxy is not None:
            self._proxy.toxic, self._proxy.delay = None, 0.0
        return None

    def _show_index(self, parsed: dict[str, Any], **_: Any) -> None:
        shown = self._calls[-1].parameters.get("IndexName") == IDENTITY_INDEX
        if self.index_shows is not None and shown and "Items" in parsed:
            parsed["Items"] = [{"agent_id": {"S": self.index_shows}}]


class NewHarness(Protocol):
    """Starts a container of each function."""

    def __call__(self, time: Time, proxy: Proxy | None = None) -> Harness: ...
