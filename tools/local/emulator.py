"""Start, find and stop the AWS emulator (ministack)."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from tools import ROOT
from tools.local import LocalError, interrupts
from tools.local.loopback import LOCALHOST, bypass_proxy, require_free_port

HYPERCORN = ROOT / ".envs/ministack/bin/hypercorn"
# ministack's own command listens on one address and lets every web page in, so its web server runs
# tools/local/server.py instead. Every connection and every function opens files: raise the limit.
SERVE = [
    "/bin/sh",
    "-c",
    'ulimit -n "$(ulimit -H -n)" 2>/dev/null; exec "$0" "$@"',
    str(HYPERCORN),
    "tools.local.server:app",
]
# The name under which containers reach this machine.
CONTAINER_HOST = "host.docker.internal"
# Deadlines that only bound a hang: a busy machine takes long.
START_SECONDS = 120
STOP_SECONDS = 20
# Each running function is unpacked again, with its layer, into some 80 MB. What the emulator says of a full disk names
# neither the disk nor the reason.
MIN_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: its process group, its port, and the folder of its log and state."""

    pid: int
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None  # only in the process that started it

    @property
    def url(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self.folder / "emulator.log"

    def api_url(self, api_endpoint: str) -> str:
        """Return the URL under which any HTTP client reaches an API, from its ``ApiEndpoint``.

        Only curl and browsers resolve the endpoint's own name, ``<id>.execute-api.localhost``, and under
        it the emulator keeps ``/health`` for itself.
        """
        api_id = api_endpoint.removeprefix("http://").partition(".")[0]
        return f"{self.url}/_aws/execute-api/{api_id}/%24default"

    @classmethod
    def running(cls, folder: Path) -> Self | None:
        """Return the emulator that was started in ``folder``, or None if it has ended.

        The emulator locks a file as long as it lives, so a later process with the same id is never
        mistaken for it.
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
    def start(
        cls, folder: Path, port: int, *, also_at: str | None = None, origins: Sequence[str] = (), **environ: str
    ) -> Self:
        """Start an emulator and wait until it responds.

        Args:
            folder: Where its log and state go.
            port: Its port, on this machine only.
            also_at: A second address of this machine to listen on.
            origins: Origins of web pages elsewhere that may call it; see tools/local/guard.py.
            environ: More settings of ministack.

        Raises:
            LocalError: the port is in use, the disk is full, or the emulator does not start.
        """
        require_free_port(port)
        folder.mkdir(parents=True, exist_ok=True)
        addresses = [address for address in (LOCALHOST, also_at) if address]
        binds = [argument for address in addresses for argument in ("--bind", f"{address}:{port}")]
        temporary = _temporary_folder(folder)
        shutil.rmtree(temporary, ignore_errors=True)  # left by an emulator that was killed
        _require_disk_space(folder)
        temporary.mkdir()
        emulator = None
        try:
            with interrupts.deferred(), _lock_file(folder) as lock, (folder / "emulator.log").open("wb") as log:
                fcntl.flock(lock, fcntl.LOCK_EX)
                process = subprocess.Popen(
                    [*SERVE, *binds],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[lock.fileno()],
                    start_new_session=True,  # its own process group, which its functions' processes join
                    env=_server_environ(port, temporary, hosts=[CONTAINER_HOST, *addresses], origins=origins) | environ,
                )
                emulator = cls(process.pid, port, folder, process)
                (folder / "emulator.json").write_text(json.dumps({"pid": process.pid, "port": port}))
            emulator._wait_until_ready()
        except BaseException:
            if emulator:
                emulator.stop()
            raise
        return emulator

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process and self.process.poll() is not None:
                raise LocalError(f"the AWS emulator ended while starting; its log is {self.log}")
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise LocalError(f"the AWS emulator does not respond after {START_SECONDS} s; its log is {self.log}")

    def stop(self) -> None:
        """Stop the emulator and the functions that run in it, and wait until it has ended."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process and self.process.poll() is not None:
                break
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            if self._ends_in_time():
                break
        (self.folder / "emulator.json").unlink(missing_ok=True)
        shutil.rmtree(_temporary_folder(self.folder), ignore_errors=True)

    def _ends_in_time(self) -> bool:
        # The lock of a process is released before its parent can reap it, so a child is waited for.
        if self.process:
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                return False
            return True
        deadline = time.monotonic() + STOP_SECONDS
        while self.running(self.folder):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def aws_environ(port: int) -> dict[str, str]:
    """Return the environment in which AWS tools call the emulator and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    bypass_proxy(kept)
    return kept | {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _server_environ(port: int, temporary: Path, *, hosts: Sequence[str], origins: Sequence[str]) -> dict[str, str]:
    """Return the environment of the emulator, which its functions inherit."""
    environ = aws_environ(port)
    environ.pop("PYTHONPATH", None)  # functions import what was deployed, not the working tree
    return environ | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOCALHOST,
        "LOG_LEVEL": "INFO",
        "TMPDIR": str(temporary.absolute()),
        # Listeners that ministack would open on every address of this machine.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "GUARD_HOSTS": ",".join(hosts),
        "GUARD_ORIGINS": ",".join(origins),
    }


def _temporary_folder(folder: Path) -> Path:
    """Return where an emulator unpacks the functions; it leaves them all behind when it ends."""
    return folder / "tmp"


def _require_disk_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        needed = MIN_FREE_BYTES / 1e9
        raise LocalError(f"the disk of {folder} has {free / 1e9:.1f} GB left; the functions need {needed:.0f} GB")


def _lock_file(folder: Path) -> BinaryIO:
    return (folder / "emulator.lock").open("ab")
