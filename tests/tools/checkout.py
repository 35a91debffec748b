"""A copy of the Makefile and the tools in which nothing is installed, to run commands in."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.timeouts import HANG_SECONDS
from tools import ROOT

MAKE = shutil.which("make") or "make"
COPIED = ("Makefile", "template.yaml", "samconfig.toml", "tools", "stacks", "examples", "requirements")


@dataclass(frozen=True)
class Checkout:
    """A folder with the project's commands; PATH has only what a test puts into its folder `bin`."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Copy what the commands need."""
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        (folder / "bin").mkdir()
        return cls(folder)

    def environ(self, **variables: str) -> dict[str, str]:
        return {"PATH": str(self.folder / "bin"), "HOME": str(self.folder), "PYTHON": sys.executable} | variables

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run make."""
        return subprocess.run(  # noqa: S603
            [MAKE, *arguments],
            cwd=self.folder,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )

    def install(self, *environments: str) -> None:
        """Pretend that environments were installed, with this Python and a sam that records its arguments."""
        for name in environments:
            self.script(f".envs/{name}/bin/python", f'exec {sys.executable} "$@"')
        self.script(".envs/sam/bin/sam", f'echo "$@" >> {self.folder}/sam.txt; env > {self.folder}/sam-environ.txt')
        self.script("bin/env", f'exec {shutil.which("env")} "$@"')
        for age, path in enumerate([".venv/.uv", *(f".envs/{name}/.done" for name in environments)]):
            marker = self.folder / path
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()
            os.utime(marker, ns=(marker.stat().st_atime_ns, marker.stat().st_mtime_ns + age))
        (self.folder / "bin/make").symlink_to(MAKE)

    def script(self, path: str, body: str) -> None:
        """Write a program."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was installed."""
        return not (self.folder / ".venv").exists() and not (self.folder / ".envs").exists()


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one sentence with which a command failed, without make's own line about its status."""
    assert done.returncode == 2, done
    assert done.stdout == "", done
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, done.stderr
    return lines[0]
