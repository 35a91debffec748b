"""Build template.yaml with SAM CLI, and deploy it, unmodified, to an emulator."""

import fcntl
import json
import os
import platform
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools import ROOT
from tools.local import LocalError, interrupts
from tools.local.emulator import Emulator, aws_environ

SAM = ROOT / ".envs/sam/bin/sam"
PYTHON = ROOT / ".venv/bin"
STACK_NAME = "agent-sessions"
# The emulator and SAM's containers run functions on this machine's processor.
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def build(log: Path, *, source: Path = ROOT) -> None:
    """Build the layer and the functions of a checkout into its .aws-sam; raises LocalError if SAM CLI fails."""
    with _alone(source):
        _sam("build", log=log, port=0, cwd=source)


def deploy(
    emulator: Emulator, log: Path, *, source: Path = ROOT, stack_name: str = STACK_NAME, **parameters: str
) -> dict[str, str]:
    """Deploy what was built, or update the running stack; return its outputs by name.

    Args:
        emulator: The emulator to deploy to.
        log: The file to which SAM CLI's output is appended.
        source: The checkout that was built.
        stack_name: A second name makes a second service beside the first.
        parameters: Template parameters, which override those of samconfig.toml's local environment.
    """
    overrides = default_parameters(source) | parameters
    options = ["--stack-name", stack_name, "--parameter-overrides"]
    options += (f"{name}={value}" for name, value in overrides.items())
    with _alone(source):
        _sam("deploy", *options, log=log, port=emulator.port, cwd=source)
    return outputs(emulator, log, stack_name)


def deploy_example(emulator: Emulator, log: Path, name: str, **parameters: str) -> dict[str, str]:
    """Deploy a template of examples/ to an emulator as a stack of that name; return its outputs by name."""
    overrides = (f"{parameter}={value}" for parameter, value in parameters.items())
    # SAM CLI looks for samconfig.toml beside the template, where there is none.
    options = ["--template-file", f"examples/{name}.yaml", "--stack-name", name, "--capabilities", "CAPABILITY_IAM"]
    options += ["--no-fail-on-empty-changeset", "--parameter-overrides", *overrides]
    _sam("deploy", *options, log=log, port=emulator.port, cwd=ROOT)
    return outputs(emulator, log, name)


def outputs(emulator: Emulator, log: Path, stack_name: str = STACK_NAME) -> dict[str, str]:
    """Return the outputs of a running stack by name."""
    options = ("stack-outputs", "--stack-name", stack_name, "--output", "json")
    listed: list[dict[str, Any]] = json.loads(_sam("list", *options, log=log, port=emulator.port, cwd=ROOT))
    return {each["OutputKey"]: each["OutputValue"] for each in listed}


def default_parameters(source: Path = ROOT) -> dict[str, str]:
    """Return the parameters of samconfig.toml's local environment, which SAM CLI drops if others are given."""
    config = tomllib.loads((source / "samconfig.toml").read_text())
    overrides: str = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(each.split("=", 1) for each in overrides.split()) | {"Architecture": ARCHITECTURE}


def environ(port: int) -> dict[str, str]:
    """Return the environment in which SAM CLI calls an emulator and nothing else."""
    variables = aws_environ(port) | {
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_VERSION": "0",
        # Seconds between two looks at the stack, by default 5: longer than the emulator needs for all of it.
        "SAM_CLI_POLL_DELAY": "0.5",
        # The Python of this environment has pip, with which SAM CLI and the layer's Makefile install.
        "PATH": f"{PYTHON}{os.pathsep}{os.environ['PATH']}",
    }
    # `make PYTHON=…` names the Python that makes environments, which may have no pip.
    variables.pop("PYTHON", None)
    # Without bytecode, SAM CLI compiles its 2,000 modules at every call.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


@contextmanager
def _alone(source: Path) -> Iterator[None]:
    """Let one process at a time build in a checkout or deploy what was built there; others wait."""
    folder = source / ".aws-sam"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sam(command: str, *arguments: str, log: Path, port: int, cwd: Path) -> str:
    """Run SAM CLI; append its messages to the log, and return its result."""
    config = [] if command == "list" else ["--config-env", "local"]
    # SAM CLI leaves folders behind where it puts temporary files.
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary, log.open("a+") as out:
        out.write(f"\n$ sam {command} {' '.join(arguments)}\n")
        out.flush()
        start = out.tell()
        process = None
        try:
            with interrupts.deferred():
                process = subprocess.Popen(
                    [SAM, command, *arguments, *config],
                    cwd=cwd,
                    env=environ(port) | {"TMPDIR": temporary},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if command == "list" else out,
                    stderr=out,
                    text=True,
                    start_new_session=True,  # its own process group, which the processes of a build join
                )
            result, _ = process.communicate()
        except BaseException:
            if process:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            raise
        out.seek(start)
        if process.returncode:
            raise LocalError(f"sam {command} failed: {reason(out.read())} (its whole output is in {log})")
    return result or ""


def reason(output: str) -> str:
    """Return the line of SAM CLI's output that gives the reason of a failure."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"Error|[\w.]+(Error|Exception)\b", line)]
    return (errors or lines or ["it printed nothing"])[-1]
