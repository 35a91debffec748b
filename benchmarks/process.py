"""A fresh Python process: what it answers, and what CPU time it takes."""

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

# As in Lambda, nothing is installed beside the layer; `-S` leaves this environment's packages out.
PYTHON = (sys.executable, "-S")


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a process.

    Args:
        cpu: User and system time, in seconds.
        output: What it printed.
        errors: What it printed as errors.
    """

    cpu: float
    output: str
    errors: str

    @property
    def answer(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.output)


def run(*arguments: str, environ: Mapping[str, str], python: Sequence[str] = PYTHON) -> Finished:
    """Run Python to its end; raises RuntimeError with its last words where it fails.

    Args:
        arguments: Of the interpreter, such as ``-c`` and a program.
        environ: All of its environment.
        python: The interpreter, with options.
    """
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        process = subprocess.Popen([*python, *arguments], env=dict(environ), stdout=output, stderr=errors)
        try:
            # Unlike Popen's own waiting, this tells what the process used.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (output, errors):
            file.seek(0)
        finished = Finished(usage.ru_utime + usage.ru_stime, output.read(), errors.read())
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} failed:\n{finished.errors[-2000:]}")
    return finished


def peak_memory() -> int:
    """Return the most memory that this process had at a time (resident set), in bytes."""
    # On Linux, ru_maxrss begins with what the parent had.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
