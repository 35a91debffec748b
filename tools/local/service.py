"""Start, update and stop the local service."""

import fcntl
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import ROOT
from tools.local import LocalError, docker, interrupts, stack
from tools.local.emulator import Emulator
from tools.local.loopback import MAX_PORT, bypass_proxy, free_port, proxy_hides_loopback, require_free_port
from tools.progress import step

FOLDER = ROOT / ".local"
DEFAULT_PORT = 4566
MIN_PORT = 1024  # lower ones are for programs of the administrator
HEALTH_SECONDS = 120  # bounds a hang; a busy machine takes long
ENVIRONMENTS = (".envs/sam/.done", ".envs/ministack/.done")

READY = """
agent-sessions runs on this machine. Paste these lines to call it:

{exports}
  curl -X POST "$API_URL/sessions" -d '{{"agent_name": "Claude", "context": "Project A"}}'
  curl "$API_URL/agents?agent_name=Claude&context=Project%20A"

make demo   runs a walkthrough, and leaves agents signed in
make ps     shows them on a live screen
make stop   stops the service and deletes its data
The emulator's log is {log}
"""

WHOAMI = """
The example API runs beside the service. Paste these lines to call it with the token of a live session:

  export WHOAMI_URL='{url}'
  curl "$WHOAMI_URL" -H "Authorization: Bearer $SESSION_TOKEN"
"""


def up(port: int | None) -> None:
    """Start the emulator unless it runs, and deploy the working tree to it.

    Raises:
        LocalError: the port is in use, or a step failed; whatever this call started has been stopped.
    """
    hidden = proxy_hides_loopback()
    bypass_proxy()
    with _exclusively(FOLDER):
        emulator = Emulator.running(FOLDER)
        if emulator and port not in (None, emulator.port):
            raise LocalError(f"the service already runs on port {emulator.port}; stop it first: make stop")
        if emulator is None:
            require_free_port(port or DEFAULT_PORT)
        install(*ENVIRONMENTS)
        log = FOLDER / "sam.log"
        log.write_text("")
        step("Building the layer and the functions", lambda: stack.build(log))
        is_update = emulator is not None
        try:
            if emulator is None:
                address = docker.bridge_address()
                emulator = step(
                    "Starting the AWS emulator", lambda: Emulator.start(FOLDER, port or DEFAULT_PORT, also_at=address)
                )
            url = _deploy(emulator, log)
            (FOLDER / "url").write_text(url)
        except BaseException:
            started = None if is_update else emulator or Emulator.running(FOLDER)
            if started:
                with interrupts.deferred():
                    started.stop()
            raise
        print(READY.format(exports=_exports(url, hidden), log=emulator.log.relative_to(ROOT)))


def authorizer(folder: Path = FOLDER) -> None:
    """Deploy the example API that only agents with a live session can call.

    Raises:
        LocalError: the service is not running, or the deployment failed.
    """
    emulator, log = require_running(folder), folder / "sam.log"
    arn = stack.outputs(emulator, log)["AuthorizerArn"]
    outputs = step(
        "Deploying examples/authorizer.yaml",
        lambda: stack.deploy_example(emulator, log, "authorizer", AuthorizerArn=arn),
    )
    print(WHOAMI.format(url=f"{emulator.api_url(outputs['ApiUrl'])}/whoami"))


def down() -> None:
    """Stop the emulator that `up` started, and nothing else."""
    emulator = Emulator.running(FOLDER)
    if emulator is None:
        print("Nothing to stop: the local service is not running.")
        return
    emulator.stop()
    (FOLDER / "url").unlink(missing_ok=True)
    print(f"The local service on port {emulator.port} is stopped.")


@contextmanager
def temporary(folder: Path) -> Iterator[str]:
    """Run another local service on a free port while the block runs; yield its URL.

    Args:
        folder: Where its log and state go.

    Raises:
        LocalError: a step failed, or another `make local` is running in this checkout.
    """
    with temporary_emulator(folder) as (emulator, log):
        yield _deploy(emulator, log)


@contextmanager
def temporary_emulator(folder: Path, **environ: str) -> Iterator[tuple[Emulator, Path]]:
    """Build the working tree, and run another emulator on a free port while the block runs.

    Args:
        folder: Where its log and state go.
        environ: More settings of ministack.

    Yields:
        The emulator, and the file for the output of SAM CLI.

    Raises:
        LocalError: a step failed, or another `make local` is running in this checkout.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "sam.log"
    log.write_text("")
    with _exclusively(FOLDER):
        step("Building the layer and the functions", lambda: stack.build(log))
        emulator = step("Starting the AWS emulator", lambda: Emulator.start(folder, free_port(), **environ))
        try:
            yield emulator, log
        finally:
            emulator.stop()


def require_running(folder: Path = FOLDER) -> Emulator:
    """Return the running emulator; raises LocalError if there is none."""
    emulator = Emulator.running(folder)
    if emulator is None:
        raise LocalError("the local service is not running; start it first: make local")
    return emulator


def read_port(text: str) -> int:
    """Return the port that the variable PORT names; raises LocalError if it is not one."""
    if not (text.isascii() and text.isdigit() and MIN_PORT <= int(text) <= MAX_PORT):
        raise LocalError(f"PORT must be a whole number from {MIN_PORT} to {MAX_PORT}, not {text!r}")
    return int(text)


def install(*targets: str) -> None:
    """Make environments of the Makefile; raises LocalError if that fails."""
    # This process does not belong to the job server of the make that started it.
    environ = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    made = subprocess.run(["make", "--silent", *targets], cwd=ROOT, env=environ, check=False)
    if made.returncode:
        raise LocalError("the installation failed; the lines above give the reason")


def wait_for(url: str) -> None:
    """Wait until a URL responds with 200; raises LocalError if it does not."""
    last = "no response"
    deadline = time.monotonic() + HEALTH_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except urllib.error.HTTPError as error:
            with error:
                last = f"{error.code} {error.read(300).decode(errors='replace')}"
        except OSError as error:
            last = str(error)
        time.sleep(1)
    raise LocalError(f"{url} does not respond with 200 after {HEALTH_SECONDS} s, but with: {last}")


def _deploy(emulator: Emulator, log: Path) -> str:
    """Deploy what was built, and wait until it responds; return its URL."""
    outputs = step("Deploying template.yaml", lambda: stack.deploy(emulator, log))
    url = emulator.api_url(outputs["ApiUrl"])
    step("Waiting for /health", lambda: wait_for(f"{url}/health"))
    return url


@contextmanager
def _exclusively(folder: Path) -> Iterator[None]:
    """Let one process at a time install, build and deploy in this checkout."""
    folder.mkdir(exist_ok=True)
    with (folder / "up.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError("another `make local` is running in this checkout; wait until it has ended") from None
        yield


def _exports(url: str, hidden: bool) -> str:
    """Return the lines that set what the printed calls need; curl obeys a proxy even for this machine."""
    variables = {"API_URL": url} | ({"no_proxy": os.environ["no_proxy"]} if hidden else {})
    return "\n".join(f"  export {name}='{value}'" for name, value in variables.items())
