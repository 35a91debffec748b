"""The built functions, loaded in this process, and one request of every kind."""

import json
import os
import time
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from itertools import count, repeat
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

from agent_sessions import clock
from benchmarks import BUILT
from tools import ROOT

START = 1_800_000_000  # epoch seconds
NAMES = (f"Agent-{time.time_ns() % 10**17}" for _ in count())  # of agents that never signed in
# The only field of Lambda's context that the functions read.
CONTEXT = SimpleNamespace(aws_request_id="measured")

type Event = dict[str, Any]
type Requests = Iterator[tuple[int, Event]]  # with the time at which each is sent


class Operation(NamedTuple):
    """One kind of request."""

    function: Any  # the module of the function that serves it
    requests: Requests
    status: int = 200
    repeatable: bool = True  # the same DynamoDB calls, made again, do the same


class Functions:
    """The functions of the API, each with the settings under which it does only one thing."""

    def __init__(self, **environ: str) -> None:
        self.time = START
        clock.now = lambda: self.time
        self.sessions, self.agents = load("SessionsFunction", **environ), load("AgentsFunction", **environ)
        self.touching = load("SessionsFunction", LAST_SEEN_INTERVAL_SECONDS="900000000", **environ)
        self.updating = load("SessionsFunction", LAST_SEEN_INTERVAL_SECONDS="1", **environ)
        self.caching = load("SessionsFunction", SESSION_CACHE_SECONDS="900", **environ)
        functions = (self.sessions, self.agents, self.touching, self.updating, self.caching)
        self.transports = [function.service.tables.sessions.transport for function in functions]

    def operations(self) -> dict[str, Operation]:
        """Return every operation by name; each uses agents of its own."""
        sessions, agents, known, agent = self.sessions, self.agents, self.sign_in(), self.sign_in()
        validate = event("validate_session", self.sign_in()["session_token"])
        self.caching.handler(validate, CONTEXT)
        find = event("list_agents") | {"rawQueryString": f"agent_name={agent['agent_name']}"}
        sign_in_new = ((START, event("sign_in", agent_name=name)) for name in NAMES)
        sign_out = ((START + 1, event("sign_out", self.sign_in()["session_token"])) for _ in count())

        def always(each: Event) -> Requests:
            return repeat((START, each))

        return {
            "reject a malformed token": Operation(sessions, always(event("validate_session", "nonsense")), 401, False),
            "validate from cache": Operation(self.caching, always(validate), repeatable=False),
            "validate": Operation(sessions, always(validate)),
            "validate and touch": Operation(self.touching, self._each_minute()),
            "validate, touch, update agent": Operation(self.updating, self._each_minute(), repeatable=False),
            "sign in, known agent": Operation(sessions, always(event("sign_in", agent_name=known["agent_name"])), 201),
            "sign in, new agent": Operation(sessions, sign_in_new, 201, repeatable=False),
            "sign out": Operation(sessions, sign_out, 204, repeatable=False),
            "get an agent": Operation(agents, always(event("get_agent", agent_id=agent["agent_id"]))),
            "find an agent by name": Operation(agents, always(find)),
        }

    def _each_minute(self) -> Requests:
        validate = event("validate_session", self.sign_in()["session_token"])
        return ((at, validate) for at in count(START + 60, 60))

    def sign_in(self) -> dict[str, Any]:
        """Sign a new agent in; return its session."""
        self.time = START
        response = self.sessions.handler(event("sign_in", agent_name=next(NAMES)), CONTEXT)
        session: dict[str, Any] = json.loads(response["body"])
        return session


def load(folder: str, **environ: str) -> Any:
    """Return a function's module as Lambda loads it, with a client of its own and this over the environment."""
    module = ModuleType(folder)
    with patch.dict(os.environ, environ):
        SourceFileLoader(folder, str(BUILT / folder / "app.py")).exec_module(module)
    return module


def authorizer_event(token: str) -> Event:
    """Return the event with which an HTTP API asks the authorizer."""
    arn = "arn:aws:execute-api:us-east-1:111122223333:api/stage/GET/orders"
    return {"version": "2.0", "type": "REQUEST", "routeArn": arn, "headers": {"authorization": f"Bearer {token}"}}


def event(name: str, token: str = "", **fields: str) -> Event:
    """Return the example event of a route without a caller, with another token, and other fields of body or path."""
    example: Event = json.loads((ROOT / f"events/{name}.json").read_text())
    example["requestContext"].pop("authorizer", None)
    example["headers"]["authorization"] = f"Bearer {token}"
    return example | ({"body": json.dumps(fields)} if "body" in example else {"pathParameters": fields})
