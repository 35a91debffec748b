"""Building template.yaml and deploying it, unmodified, to an emulator with SAM CLI."""

import json
import os
import platform
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.local.emulator import Emulator, LocalError, aws_environ

SAM = ROOT / ".envs/sam/bin/sam"
PYTHON = ROOT / ".venv/bin"
STACK_NAME = "agent-sessions"
# The emulator and SAM's containers run functions on this machine's processor.
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def build(log: Path, *, source: Path = ROOT) -> None:
    """Build the layer and the functions of a checkout into its .aws-sam; raises LocalError where SAM cannot."""
    _sam("build", log=log, port=0, cwd=source)


def deploy(
    emulator: Emulator, log: Path, *, source: Path = ROOT, stack_name: str = STACK_NAME, **parameters: str
) -> dict[str, str]:
    """Deploy what was built, or update what runs; return the outputs of the stack by name.

    Args:
        emulator: Where to.
        log: Where SAM's output goes.
        source: The checkout that was built.
        stack_name: A second name makes a second service beside the first.
        parameters: Template parameters, over those of samconfig.toml's local environment.
    """
    overrides = {**_local_parameters(source), "Architecture": ARCHITECTURE, **parameters}
    _sam(
        "deploy",
        "--stack-name",
        stack_name,
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in overrides.items()),
        log=log,
        port=emulator.port,
        cwd=source,
    )
    asked = ("list", "stack-outputs", "--stack-name", stack_name, "--output", "json")
    listed = _sam(*asked, log=log, port=emulator.port, cwd=source)
    outputs: list[dict[str, Any]] = json.loads(listed)
    return {each["OutputKey"]: each["OutputValue"] for each in outputs}


def _local_parameters(source: Path) -> dict[str, str]:
    """Return the parameters of samconfig.toml's local environment, which SAM drops where others are given."""
    config = tomllib.loads((source / "samconfig.toml").read_text())
    overrides: str = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(each.split("=", 1) for each in overrides.split())


def environ(port: int) -> dict[str, str]:
    """Return the environment in which SAM speaks to an emulator and to nothing else."""
    variables = aws_environ(port) | {
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_VERSION": "0",
        "PATH": f"{PYTHON}{os.pathsep}{os.environ['PATH']}",
    }
    # Where no bytecode may be written, SAM compiles its 2,000 modules at every call.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def _sam(command: str, *arguments: str, log: Path, port: int, cwd: Path) -> str:
    """Run SAM; its messages go to the log, its result is returned."""
    config = [] if command == "list" else ["--config-env", "local"]
    with log.open("a+") as out:
        out.write(f"\n$ sam {command} {' '.join(arguments)}\n")
        out.flush()
        beginning = out.tell()
        done = subprocess.run(
            [SAM, command, *arguments, *config],
            cwd=cwd,
            env=environ(port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if command == "list" else out,
            stderr=out,
            text=True,
            check=False,
        )
        out.seek(beginning)
        if done.returncode:
            raise LocalError(f"sam {command} failed: {reason(out.read())} (all of it is in {log})")
    return done.stdout or ""


def reason(output: str) -> str:
    """Return the line of SAM's output that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"Error|[\w.]+(Error|Exception)\b", line)]
    return (errors or lines or ["it said nothing"])[-1]
