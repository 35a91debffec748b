"""Starting and stopping DynamoDB Local: Amazon's own implementation, on this machine."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools import ROOT
from tools.local.loopback import free_port

FOLDER = ROOT / ".envs/dynamodb-local"
# It runs for minutes on few processors, so what starts fast uses least in all.
FOR_MINUTES = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
START_SECONDS = 60
STOP_SECONDS = 10


def missing() -> str | None:
    """Return why the engine cannot run here, or None if it can."""
    if not shutil.which("java") or not (FOLDER / ".done").exists():
        return "DynamoDB Local is missing: install Java 17 or newer and Maven, then `make test` downloads it"
    return None


@dataclass(frozen=True, slots=True)
class Engine:
    """A running DynamoDB Local, its tables in memory."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @classmethod
    def start(cls, folder: Path, java: Sequence[str] = FOR_MINUTES) -> Self:
        """Start it on a free port, with options of Java, and wait until it responds; its log goes to ``folder``."""
        port, log = free_port(), folder / "dynamodb-local.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    "java",
                    *java,
                    f"-Djava.library.path={FOLDER}",
                    "-cp",
                    f"{FOLDER}/*",
                    "software.amazon.dynamodb.services.local.main.ServerRunner",
                    "-inMemory",
                    "-disableTelemetry",
                    "-port",
                    str(port),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        engine = cls(process, f"http://127.0.0.1:{port}", log)
        try:
            engine._wait_until_ready()
        except BaseException:
            engine.stop()
            raise
        return engine

    def _wait_until_ready(self) -> None:
        for _ in range(START_SECONDS * 10):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()  # unsigned, so refused: it responds
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(
            f"DynamoDB Local does not respond; it needs Java 17 or newer. Its output:\n{self.log.read_text()}"
        )

    def stop(self) -> None:
        """Stop it, which deletes its tables."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
