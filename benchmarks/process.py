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
# Functions log to standard output, which the result needs for itself.
PROGRAM = """\
import contextlib, json, os
from benchmarks.measurements import {module}
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    result = {module}.main(*{arguments})
print(json.dumps(result))
"""


def run(*arguments: str, environ: Mapping[str, str], python: Sequence[str] = PYTHON) -> CompletedProcess[str]:
    """Run Python with these arguments and exactly this environment; raises RuntimeError if it fails."""
    done = subprocess.run([*python, *arguments], env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} failed:\n{done.stderr[-2000:]}")
    return done


def measured(module: str, *arguments: object, environ: Mapping[str, str], python: Sequence[str] = PYTHON) -> Any:
    """Return the result of ``main`` of a module of benchmarks.measurements."""
    program = PROGRAM.format(module=module, arguments=arguments)
    return json.loads(run("-c", program, environ=environ, python=python).stdout)


def cpu_seconds(program: str, environ: Mapping[str, str]) -> float:
    """Run a program and return the user and system time that it used; call it from one thread at a time."""
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    run("-c", program, environ=environ)
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before


def peak_memory() -> int:
    """Return the peak resident set of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, ru_maxrss starts with the peak of the parent
        return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
