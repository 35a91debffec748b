"""The built functions in this process, and every kind of request that they answer."""

import importlib.util
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agent_sessions import clock
from benchmarks import BUILT
from tools import ROOT

START = 1_800_000_000
# All that the functions read of what Lambda tells them.
CONTEXT = SimpleNamespace(aws_request_id="measured")

type Event = dict[str, Any]


class Clock:
    """The time of the service. Each operation has its own, so that a touch is due where one is measured."""

    time = START

    def __call__(self) -> int:
        """Return it."""
        return self.time


class Output(io.TextIOBase):
    """What Lambda would ship to CloudWatch: counted, and thrown away."""

    def __init__(self) -> None:
        self.reset()
        self._nowhere = Path(os.devnull).open("w")  # noqa: SIM115  open as long as the process lives

    def reset(self) -> None:
        """Begin to count anew."""
        self.bytes = self.metric_bytes = self.lines = 0

    def write(self, text: str) -> int:
        """Write text; that of the functions is ASCII, and each line comes whole."""
        self.bytes += len(text)
        self.metric_bytes += len(text) if '"_aws"' in text else 0
        self.lines += text.count("\n")
        return self._nowhere.write(text)

    def flush(self) -> None:
        """Hand on what was written, as each log line is."""
        self._nowhere.flush()


class Function:
    """A function as Lambda loads it, with a client of its own; ``environ`` is set over the defaults."""

    def __init__(self, folder: str, **environ: str) -> None:
        before = dict(os.environ)
        os.environ.update(environ)
        spec = importlib.util.spec_from_file_location(folder, BUILT / folder / "app.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        os.environ.clear()
        os.environ.update(before)
        self.handler: Callable[[Event, object], dict[str, Any]] = module.handler
        self.client = module.service.tables.sessions.transport.client


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request.

    Args:
        handler: Who answers it.
        prepare: Makes the next such request, and the time at which it is sent.
        status: What is answered.
        repeatable: Whether its DynamoDB calls, made once more, do the same.
    """

    handler: Callable[[Event, object], dict[str, Any]]
    prepare: Callable[[], tuple[int, Event]]
    status: int = 200
    repeatable: bool = True


class Functions:
    """The functions of the API, each in the settings in which it does one thing only."""

    def __init__(self) -> None:
        self.clock = Clock()
        clock.now = self.clock
        self.sessions = Function("SessionsFunction")
        self.agents = Function("AgentsFunction")
        self.never_seen = Function("SessionsFunction", LAST_SEEN_INTERVAL_SECONDS="900000000")
        self.always_seen = Function("SessionsFunction", LAST_SEEN_INTERVAL_SECONDS="1")
        self.remembering = Function("SessionsFunction", SESSION_CACHE_SECONDS="900")
        functions = (self.sessions, self.agents, self.never_seen, self.always_seen, self.remembering)
        self.clients = [function.client for function in functions]
        self._names = 0

    def operations(self) -> dict[str, Operation]:
        """Return all that is measured, by name; each uses agents of its own."""
        sessions = self.sessions.handler
        validate = event("validate_session", self._sign_in()["session_token"])
        self.remembering.handler(validate, CONTEXT)
        sign_in = event("sign_in", body={"agent_name": self._sign_in()["agent_name"]})
        shown = self._sign_in()
        show = event("get_agent", agent_id=shown["agent_id"])
        find = event("find_agent") | {"rawQueryString": f"agent_name={shown['agent_name']}"}
        return {
            "refuse a malformed token": Operation(
                sessions, lambda: (START, event("validate_session", "nonsense")), 401, repeatable=False
            ),
            "validate from memory": Operation(self.remembering.handler, lambda: (START, validate), repeatable=False),
            "validate": Operation(sessions, lambda: (START, validate)),
            "validate and touch": Operation(self.never_seen.handler, self._each_minute()),
            "validate, touch, last seen": Operation(self.always_seen.handler, self._each_minute(), repeatable=False),
            "sign in, known agent": Operation(sessions, lambda: (START, sign_in), 201),
            "sign in, new agent": Operation(
                sessions,
                lambda: (START, event("sign_in", body={"agent_name": self._new_name()})),
                201,
                repeatable=False,
            ),
            "sign out": Operation(
                sessions,
                lambda: (START + 1, event("sign_out", self._sign_in()["session_token"])),
                204,
                repeatable=False,
            ),
            "show an agent": Operation(self.agents.handler, lambda: (START, show)),
            "find an agent": Operation(self.agents.handler, lambda: (START, find)),
        }

    def _each_minute(self) -> Callable[[], tuple[int, Event]]:
        validate = event("validate_session", self._sign_in()["session_token"])
        at = START

        def prepare() -> tuple[int, Event]:
            nonlocal at
            at += 60
            return at, validate

        return prepare

    def _sign_in(self) -> dict[str, Any]:
        self.clock.time = START
        answer = self.sessions.handler(event("sign_in", body={"agent_name": self._new_name()}), CONTEXT)
        session: dict[str, Any] = json.loads(answer["body"])
        return session

    def _new_name(self) -> str:
        self._names += 1
        return f"Agent-{id(self)}-{self._names}"


def event(name: str, token: str = "", body: Any = None, **path: str) -> Event:
    """Return the example event of a route, from nobody in particular, with another token, body or path."""
    example: Event = json.loads((ROOT / f"events/{name}.json").read_text())
    example["requestContext"].pop("authorizer", None)
    example["headers"]["authorization"] = f"Bearer {token}"
    if body is not None:
        example["body"] = json.dumps(body)
    if path:
        example["pathParameters"] = path
    return example
