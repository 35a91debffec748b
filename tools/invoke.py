"""`make invoke`: every event in events/ through `sam local invoke`, a line each."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.local import docker, stack
from tools.local.__main__ import DEFAULT_PORT, FOLDER, step
from tools.local.emulator import Emulator, LocalError

# In an order in which each finds what it speaks of: the function, and its answer against the local service.
STORY = {
    "sign_in": ("SessionsFunction", "201"),
    "validate": ("SessionsFunction", "200"),
    "find_agent": ("AgentsFunction", "200"),
    "get_agent": ("AgentsFunction", "200"),
    "list_sessions": ("AgentsFunction", "200"),
    "activity_report": ("ReportFunction", "ok"),
    "sign_out": ("SessionsFunction", "204"),
    "end_session": ("AgentsFunction", "204"),
    "end_all_sessions": ("AgentsFunction", "200"),
    "health": ("SessionsFunction", "200"),
}
IMAGE = f"public.ecr.aws/lambda/python:3.13-{stack.ARCHITECTURE}"
WITHOUT_DATABASE = {"ReportFunction": "DatabaseError"}


def invoke_all() -> bool:
    """Invoke every event, and return whether each was answered as it should be."""
    docker.require_engine()
    FOLDER.mkdir(exist_ok=True)
    emulator = Emulator.running(FOLDER)
    port = emulator.port if emulator else DEFAULT_PORT
    log = FOLDER / "invoke.log"
    log.write_text("")
    step("Building the layer and the functions", lambda: stack.build(log))
    print("Invoking each event in a container of its own; ms include its start")
    if emulator is None:
        print("No local service runs, so no database answers, and 503 is right: `make local` starts one")
    print()
    # SAM would ask the registry for a newer one each time, and give up where there is no network.
    pull = not docker.has_image(IMAGE)
    good = True
    token = None
    for name, (function, status) in STORY.items():
        expected = status if emulator else WITHOUT_DATABASE.get(function, "503")
        event = _with_token(json.loads((ROOT / f"events/{name}.json").read_text()), token)
        answer, took = invoke(function, event, port=port, log=log, pull=pull)
        pull = False
        told = status_of(answer)
        print(
            f"{name:<18} {told:<14} {took:>7} ms" + (f"   expected {expected}" if told != expected else ""), flush=True
        )
        good = good and told == expected
        if name == "sign_in" and told == "201":
            token = json.loads(answer["body"])["session_token"]
    if not good:
        print(f"\nWhat the functions and SAM wrote is in {log}", file=sys.stderr)
    return good


def invoke(function: str, event: dict[str, Any], *, port: int, log: Path, pull: bool) -> tuple[Any, str]:
    """Invoke a function in a container; return what it answered, and the milliseconds that it took.

    Raises:
        LocalError: SAM could not; the message is its own.
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
        raise LocalError(f"sam local invoke failed: {stack.reason(done.stderr)} (all of it is in {log})")
    took = re.findall(r"\tDuration: (\d+)", done.stderr)
    return json.loads(done.stdout), took[-1] if took else "?"


def status_of(answer: Any) -> str:
    """Return the status of an HTTP answer, the type of an error that a function raised, or "ok"."""
    return str(answer.get("statusCode") or answer.get("errorType") or "ok")


def _with_token(event: dict[str, Any], token: str | None) -> dict[str, Any]:
    """Return the event with a token that was just given out, where it presents one."""
    if token and event.get("headers", {}).get("authorization", "").startswith("Bearer "):
        event["headers"]["authorization"] = f"Bearer {token}"
    return event


def main() -> int:
    """Invoke all; one sentence and a status of 1 where that cannot be done."""
    try:
        return 0 if invoke_all() else 1
    except LocalError as error:
        print(f"make invoke: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
