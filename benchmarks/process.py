"""Python in a process of its own, with the layer as its only packages."""

import json
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

# As in Lambda, nothing is installed beside the layer: `-S` leaves out the packages of this environment.
PYTHON = (sys.executable, "-S")


def run(*arguments: str, environ: Mapping[str, str], python: Sequence[str] = PYTHON) -> CompletedProcess[str]:
    """Run Python with these arguments and exactly this environment; raises RuntimeError if it fails."""
    done = subprocess.run([*python, *arguments], env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} failed:\n{done.stderr[-2000:]}")
    return done


def measured(module: str, *arguments: object, environ: Mapping[str, str], python: Sequence[str] = PYTHON) -> Any:
    """Run a module of benchmarks.measurements; return the JSON that it prints."""
    name = f"benchmarks.measurements.{module}"
    return json.loads(run("-m", name, *map(str, arguments), environ=environ, python=python).stdout)


def cpu_seconds(program: str, environ: Mapping[str, str]) -> float:
    """Run a program and return the user and system time that it used; call it from one thread at a time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("-c", program, environ=environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak_memory() -> int:
    """Return the peak resident set of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, ru_maxrss starts with the peak of the parent
        return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
