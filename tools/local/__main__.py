"""`make local` and `make stop`."""

import argparse
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tools import ROOT
from tools.local import docker, stack
from tools.local.emulator import Emulator, LocalError, require_free_port

FOLDER = ROOT / ".local"
DEFAULT_PORT = 4566
HEALTH_SECONDS = 30

READY = """
agent-sessions answers at
  {url}

Sign in, and look the agent up:
  curl -X POST '{url}/sessions' -d '{{"agent_name": "Claude", "context": "Project A"}}'
  curl '{url}/agents?agent_name=Claude&context=Project%20A'

make demo   plays the main story
make stop   ends the service and forgets its data
The emulator's log is {log}
"""


def up(port: int | None) -> None:
    """Start the emulator unless it runs, and deploy the working tree to it."""
    FOLDER.mkdir(exist_ok=True)
    emulator = Emulator.running(FOLDER)
    if emulator and port not in (None, emulator.port):
        raise LocalError(f"the service already runs on port {emulator.port}; `make stop` it first")
    if emulator is None:
        require_free_port(port or DEFAULT_PORT)
    log = FOLDER / "sam.log"
    log.write_text("")
    step("Building the layer and the functions", lambda: stack.build(log))
    started = None
    try:
        if emulator is None:
            address = docker.bridge_address()
            started = emulator = step(
                "Starting the AWS emulator", lambda: Emulator.start(FOLDER, port or DEFAULT_PORT, also_at=address)
            )
        outputs = step("Deploying template.yaml", lambda: stack.deploy(emulator, log))
        url = emulator.api_url(outputs["ApiUrl"])
        step("Waiting for /health", lambda: wait_for(f"{url}/health"))
        (FOLDER / "url").write_text(url)
    except BaseException:
        if started:
            started.stop()
        raise
    print(READY.format(url=url, log=emulator.log.relative_to(ROOT)))


def down() -> None:
    """End the emulator that `up` started, and nothing else."""
    emulator = Emulator.running(FOLDER)
    if emulator is None:
        print("Nothing to stop: the local service is not running.")
        return
    emulator.stop()
    (FOLDER / "url").unlink(missing_ok=True)
    print(f"The local service on port {emulator.port} is stopped.")


def step[Result](what: str, action: Callable[[], Result]) -> Result:
    """Do something while a person waits: say what, and how long it took."""
    print(f"{what} ...", end="", flush=True)
    began = time.monotonic()
    try:
        result = action()
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    return result


def wait_for(url: str) -> None:
    """Wait until a URL answers 200; raises LocalError where it does not."""
    last = "nothing"
    for _ in range(HEALTH_SECONDS):
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read(300).decode(errors='replace')}"
        except OSError as error:
            last = str(error)
        time.sleep(1)
    raise LocalError(f"{url} does not answer 200 after {HEALTH_SECONDS} s; the last answer was {last}")


def port_number(text: str) -> int:
    """Return a port that a service may have; raises ValueError, which argparse tells."""
    port = int(text)
    if not 1024 <= port <= 65535:
        raise ValueError
    return port


def main() -> int:
    """Run the command; one sentence and a status of 1 where it fails."""
    parser = argparse.ArgumentParser(prog="tools.local", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--port", type=port_number, help=f"where the service answers ({DEFAULT_PORT})")
    arguments = parser.parse_args()
    try:
        up(arguments.port) if arguments.command == "up" else down()
    except LocalError as error:
        print(f"make local: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make local: interrupted; what it started is stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
