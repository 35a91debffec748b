"""Starting, finding and stopping the AWS emulator (ministack)."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from tools import ROOT

HYPERCORN = ROOT / ".envs/ministack/bin/hypercorn"
# ministack's own command listens on one address; the web server that it is made with, on several. Every
# connection and every function takes files: as many as may be.
SERVE = [
    "/bin/sh",
    "-c",
    'ulimit -n "$(ulimit -H -n)" 2>/dev/null; exec "$0" "$@"',
    str(HYPERCORN),
    "ministack.app:app",
]
LOCALHOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 10


class LocalError(Exception):
    """The local service cannot do what was asked; the message is for the person at the keyboard."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: who it is, where it answers, and where its files are."""

    pid: int
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None  # where it is a child of ours

    @property
    def url(self) -> str:
        """Where AWS clients reach it."""
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / "emulator.log"

    def api_url(self, api_endpoint: str) -> str:
        """Return the URL under which any HTTP client reaches an API, from its ``ApiEndpoint``.

        The endpoint's own name, ``<id>.execute-api.localhost``, is known to curl and browsers only, and
        under it the emulator keeps ``/health`` for itself.
        """
        api_id = api_endpoint.removeprefix("http://").partition(".")[0]
        return f"{self.url}/_aws/execute-api/{api_id}/%24default"

    @classmethod
    def running(cls, folder: Path) -> Self | None:
        """Return the emulator that was started in ``folder``, if it still runs.

        The emulator holds a lock as long as it lives, so a process that merely got its number later is
        never taken for it.
        """
        state = folder / "emulator.json"
        if not state.exists():
            return None
        with _lock_file(folder) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return cls(folder=folder, **json.loads(state.read_text()))
        return None

    @classmethod
    def start(cls, folder: Path, port: int, *, also_at: str | None = None, **environ: str) -> Self:
        """Start an emulator and wait until it answers.

        Args:
            folder: Where its log and state go.
            port: Where it listens, on this machine only.
            also_at: Another address of this machine that it listens at.
            environ: More settings of ministack.

        Raises:
            LocalError: the port is in use, or the emulator does not come up.
        """
        require_free_port(port)
        addresses = [address for address in (LOCALHOST, also_at) if address]
        binds = [argument for address in addresses for argument in ("--bind", f"{address}:{port}")]
        folder.mkdir(parents=True, exist_ok=True)
        with _lock_file(folder) as lock, (folder / "emulator.log").open("wb") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(
                [*SERVE, *binds],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,  # a group of its own, with the functions' processes in it
                env=aws_environ(port)
                | {"GATEWAY_PORT": str(port), "BIND_HOST": LOCALHOST, "LOG_LEVEL": "INFO"}
                | environ,
            )
        emulator = cls(process.pid, port, folder, process)
        (folder / "emulator.json").write_text(json.dumps({"pid": process.pid, "port": port}))
        try:
            emulator._wait_until_ready()
        except BaseException:
            emulator.stop()
            raise
        return emulator

    def _wait_until_ready(self) -> None:
        for _ in range(START_SECONDS * 10):
            if self.process and self.process.poll() is not None:
                raise LocalError(f"the AWS emulator ended at once; its last words are in {self.log}")
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise LocalError(f"the AWS emulator does not answer after {START_SECONDS} s; see {self.log}")

    def stop(self) -> None:
        """End the emulator and the functions that run in it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            if self._is_gone():
                break
        (self.folder / "emulator.json").unlink(missing_ok=True)

    def _is_gone(self) -> bool:
        for _ in range(STOP_SECONDS * 20):
            if self.process:
                self.process.poll()
            if self.running(self.folder) is None:
                return True
            time.sleep(0.05)
        return False


def aws_environ(port: int) -> dict[str, str]:
    """Return the environment in which AWS tools speak to the emulator and to nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def require_free_port(port: int) -> None:
    """Raise LocalError where something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            raise LocalError(
                f"port {port} is in use by another program; stop that, or choose another: make local PORT={port + 1}"
            ) from None


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _lock_file(folder: Path) -> BinaryIO:
    return (folder / "emulator.lock").open("ab")
