"""`make invoke`: pass every event in events/ to its function with `sam local invoke`; print a line for each."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ROOT, progress
from tools.cloudformation import logical_function
from tools.local import LocalError, docker, stack
from tools.local.emulator import Emulator
from tools.local.loopback import bypass_proxy
from tools.local.service import DEFAULT_PORT, FOLDER
from tools.openapi.events import for_session
from tools.openapi.route import Auth, Route
from tools.openapi.routes import MCP_ROUTES, ROUTES

METHODS = ("POST", "GET", "HEAD", "PATCH", "DELETE")
IMAGE = f"public.ecr.aws/lambda/python:3.13-{stack.ARCHITECTURE}"


@dataclass(frozen=True)
class Step:
    """An event, the folder of its function, and its result: against the local service, and without a database."""

    event: str
    function: str
    expected: str
    without_database: str = "503"


def steps() -> Iterator[Step]:
    """Yield every event in an order in which each finds what it names: sign-in first, the widest deletion last."""
    for route in sorted(ROUTES, key=_order):
        yield Step(route.name, route.function, str(route.success.status.value))
    for route in MCP_ROUTES:
        # They need no database, or return its failure as the result of a tool.
        status = str(route.success.status.value)
        yield Step(route.name, route.function, status, without_database=status)
    yield Step("activity_report", "activity_report", "ok", without_database="DatabaseError")
    yield Step("operator", "operator", "ok", without_database="DatabaseError")


def _order(route: Route) -> tuple[int, bool, int]:
    """Reads before writes, the session's own token before its owner, one session before all."""
    return METHODS.index(route.method), route.auth is not Auth.TOKEN, -len(route.path)


def invoke_all() -> bool:
    """Invoke every event, and return whether each had its expected result."""
    docker.require_engine()
    FOLDER.mkdir(exist_ok=True)
    emulator = Emulator.running(FOLDER)
    port = emulator.port if emulator else DEFAULT_PORT
    log = FOLDER / "invoke.log"
    log.write_text("")
    progress.step("Building the layer and the functions", lambda: stack.build(log))
    print("Invoking each event in a container of its own; the durations include its start")
    if emulator is None:
        print("The local service is not running, so 503 is expected; start it first: make local")
    print()
    # SAM CLI looks for a newer image at each call, and fails without a network.
    pull = not docker.has_image(IMAGE)
    good = True
    started: dict[str, str] = {}
    for step in steps():
        expected = step.expected if emulator else step.without_database
        event = json.loads((ROOT / f"events/{step.event}.json").read_text())
        if started:
            event = for_session(event, **started)
        response, duration = invoke(logical_function(step.function), event, port=port, log=log, pull=pull)
        pull = False
        status = status_of(response)
        remark = "" if status == expected else f"   expected {expected}"
        print(f"{step.event:<20} {status:<14} {duration:>7} ms{remark}", flush=True)
        good = good and status == expected
        if step.event == "sign_in" and status == "201":
            signed_in = json.loads(response["body"])
            started = {name: signed_in[name] for name in ("session_token", "session_id")}
    if not good:
        print(f"make invoke: not every result was the expected one; the functions' output is in {log}", file=sys.stderr)
    return good


def invoke(function: str, event: dict[str, Any], *, port: int, log: Path, pull: bool) -> tuple[Any, str]:
    """Invoke a function in a container; return its response, and its duration in milliseconds ("?" if unknown).

    Raises:
        LocalError: SAM CLI failed; the message is its own.
    """
    variables = FOLDER / "env.json"
    variables.write_text((ROOT / "events/env.json").read_text().replace(f":{DEFAULT_PORT}", f":{port}"))
    command = ["local", "invoke", function, "--event", "-", "--env-vars", str(variables)]
    command += ["--parameter-overrides", f"Architecture={stack.ARCHITECTURE}"]
    done = subprocess.run(
        [stack.SAM, *command],
        cwd=ROOT,
        env=stack.environ(port) | ({} if pull else {"SAM_SKIP_PULL_IMAGE": "1"}),
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
    )
    with log.open("a") as file:
        file.write(f"\n$ sam {' '.join(command)}\n{done.stderr}")
    if done.returncode or not done.stdout:
        raise LocalError(f"sam local invoke failed: {stack.reason(done.stderr)} (its whole output is in {log})")
    durations = re.findall(r"\tDuration: (\d+)", done.stderr)
    return json.loads(done.stdout), durations[-1] if durations else "?"


def status_of(response: Any) -> str:
    """Return the status of an HTTP response, the type of an error that a function raised or returned, or "ok"."""
    return str(response.get("statusCode") or response.get("errorType") or response.get("error") or "ok")


def main() -> int:
    """Invoke all; print one sentence and return 1 if that fails."""
    bypass_proxy()
    try:
        return 0 if invoke_all() else 1
    except LocalError as error:
        print(f"make invoke: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
