"""A fresh Python process: what it answers, what CPU time it takes, and how large it grows."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

# As in Lambda, nothing is installed beside the layer; `-S` leaves this environment's packages out.
PYTHON = (sys.executable, "-S")
# ru_maxrss is in KB, on macOS in bytes.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a process.

    Args:
        cpu: User and system time, in seconds.
        peak: The most memory that it had at a time (resident set), in bytes.
        output: What it printed.
        errors: What it printed as errors.
    """

    cpu: float
    peak: int
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
        finished = Finished(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * PEAK_UNIT, output.read(), errors.read())
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)[:200]} failed:\n{finished.errors[-2000:]}")
    return finished
