"""One client: what makes it, what it needs, and how it runs."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools import ROOT, programs

DRIVERS = Path(__file__).with_name("drivers")
STEPS = ("sign in", "validate", "progress", "find", "list", "400", "401", "gateway 403", "new field", "sign out")
"""What each walk does, in this order; it prints the name of each step that succeeded."""
TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Tool:
    """A program that this machine may lack, and what to do then."""

    name: str
    hint: str
    test: tuple[str, ...]
    """A command that succeeds if the machine has it."""

    def is_missing(self) -> bool:
        """Whether this machine lacks it."""
        try:
            return subprocess.run(self.test, capture_output=True, timeout=60, check=False).returncode != 0
        except OSError:
            return True


@dataclass(frozen=True, kw_only=True)
class Client:
    """A generated client, and the program that walks it through the API."""

    name: str
    version: str
    folder: str = ""
    """The folder of its driver; by default, the name with hyphens."""
    commands: tuple[tuple[str, ...], ...]
    """Generate, compile and check, each in the folder of the build."""
    walk: tuple[str, ...]
    also: tuple[Path, ...] = ()
    """Files that the build needs beside the driver."""
    links: dict[str, Path] = field(default_factory=dict)
    """Symbolic links in the build, by name."""
    tools: tuple[Tool, ...] = ()

    @property
    def driver(self) -> Path:
        """The folder of its program."""
        return DRIVERS / (self.folder or self.name.replace(" ", "-"))


@dataclass(frozen=True)
class Result:
    """What became of a client: the steps that succeeded, and the reason if not all did."""

    client: Client
    steps: tuple[str, ...] = ()
    missing: str = ""
    failure: str = ""
    seconds: float = 0

    @property
    def is_good(self) -> bool:
        """Whether every step succeeded, or a tool was missing."""
        return bool(self.missing) or (self.steps == STEPS and not self.failure)


def run(client: Client, folder: Path, environ: dict[str, str]) -> Result:
    """Generate a client afresh in a folder, and walk it."""
    for tool in client.tools:
        if tool.is_missing():
            return Result(client, missing=f"{tool.name} is missing: {tool.hint}")
    start = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(client.driver, folder)
    for path in client.also:
        shutil.copy(path, folder)
    for name, target in client.links.items():
        (folder / name).symlink_to(target)
    output = ""
    for command in (*client.commands, client.walk):
        done = _run(command, folder, environ)
        output = done.stdout
        if done.returncode:
            reason = f"{' '.join(command)}\n{done.stdout}{done.stderr}".strip()
            return Result(client, _passed(client, command, output), failure=reason, seconds=time.monotonic() - start)
    return Result(client, tuple(output.splitlines()), seconds=time.monotonic() - start)


def _passed(client: Client, command: tuple[str, ...], output: str) -> tuple[str, ...]:
    return tuple(line for line in output.splitlines() if line in STEPS) if command == client.walk else ()


def _run(command: tuple[str, ...], folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    variables = os.environ | environ | {"DOCUMENT": str(ROOT / "docs/openapi.json")}
    return programs.run(command, folder, variables, seconds=TIMEOUT_SECONDS)
