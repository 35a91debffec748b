"""Every program that `make mcp` runs, with the version that its lock pins."""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tools import ROOT, programs
from tools.local.emulator import aws_environ
from tools.mcp.conformance import SCENARIOS, unknown_scenarios

DRIVERS = Path(__file__).with_name("drivers")
BIN = ROOT / ".envs/mcp-node/node_modules/.bin"
NODE_VERSIONS: dict[str, str] = json.loads((ROOT / "requirements/mcp-node/package.json").read_text())["dependencies"]
TIMEOUT_SECONDS = 180


@dataclass(frozen=True)
class Endpoints:
    """The same service twice, on one emulator: for anyone, and for callers that sign their requests."""

    port: int
    public: str
    signed: str


@dataclass(frozen=True)
class Result:
    """What became of a program: a line for people, and the reason if it failed."""

    program: str
    version: str
    summary: str
    failure: str = ""
    seconds: float = 0


def run_all(endpoints: Endpoints, folder: Path) -> list[Result]:
    """Run each program, one after the other; print a line for each."""
    results: list[Result] = []
    for program in (_sdk_2026, _sdk_2025, _inspector, _conformance, _proxy):
        start = time.monotonic()
        result = program(endpoints, folder)
        seconds = time.monotonic() - start
        results.append(Result(result.program, result.version, result.summary, result.failure, seconds))
        print(f"{result.program} {result.version}: {result.summary}, {seconds:.0f} s", flush=True)
    return results


def _sdk_2026(endpoints: Endpoints, folder: Path) -> Result:
    return _driver("Python SDK, 2026-07-28", "mcp-2026", "mcp", "sdk_2026.py", endpoints.public, folder)


def _sdk_2025(endpoints: Endpoints, folder: Path) -> Result:
    return _driver("Python SDK, 2025-11-25", "mcp-2025", "mcp", "sdk_2025.py", endpoints.public, folder)


def _proxy(endpoints: Endpoints, folder: Path) -> Result:
    """Sign requests with the credentials of the emulator, as for ``ApiAuth=AWS_IAM``."""
    name = "mcp-proxy-for-aws, AWS_IAM"
    return _driver(name, "mcp-proxy", "mcp-proxy-for-aws", "proxy.py", endpoints.signed, folder, endpoints.port)


def _driver(name: str, environment: str, package: str, file: str, url: str, folder: Path, port: int = 0) -> Result:
    python = ROOT / f".envs/{environment}/bin/python"
    done = _run([str(python), str(DRIVERS / file), url], folder, aws_environ(port) if port else {})
    version = _locked(environment, package)
    if done.returncode:
        return Result(name, version, "failed", done.stdout + done.stderr)
    return Result(name, version, done.stdout.strip().replace("\n", ", "))


def _inspector(endpoints: Endpoints, folder: Path) -> Result:
    """List the tools, where a schema that some clients cannot read is a failure, and call each kind of tool."""
    name, version = "Inspector --cli --strict", NODE_VERSIONS["@modelcontextprotocol/inspector"]
    inspector = [str(BIN / "mcp-inspector"), "--cli", endpoints.public, "--transport", "http", "--method"]
    listed = _run([*inspector, "tools/list", "--strict"], folder)
    if listed.returncode or "Warning" in listed.stderr:
        return Result(name, version, "failed", listed.stderr)
    tools = [each["name"] for each in json.loads(listed.stdout)["tools"]]
    for tool, argument in (("sign_in", "agent_name=Inspector"), ("find_agent", "agent_name=Inspector")):
        called = _run([*inspector, "tools/call", "--tool-name", tool, "--tool-arg", argument], folder)
        if called.returncode:
            return Result(name, version, "failed", called.stdout + called.stderr)
    return Result(name, version, f"{len(tools)} tools without a warning, 2 calls")


def _conformance(endpoints: Endpoints, folder: Path) -> Result:
    """Run each applicable scenario; only the listed checks may fail."""
    name, version = "conformance", NODE_VERSIONS["@modelcontextprotocol/conformance"]
    listed = _run([str(BIN / "conformance"), "list", "--server"], folder).stdout
    passed = 0
    problems = [f"{each} is neither applicable nor inapplicable" for each in unknown_scenarios(listed)]
    for scenario, exempt in SCENARIOS.items():
        output = folder / "conformance" / scenario
        command = [str(BIN / "conformance"), "server", "--url", endpoints.public, "--scenario", scenario]
        _run([*command, "--output-dir", str(output)], folder)
        found = sorted(output.glob("*/checks.json"))
        if not found:
            problems.append(f"{scenario} did not run")
            continue
        checks = json.loads(found[-1].read_text())
        failed = {each["id"] for each in checks if each["status"] == "FAILURE"}
        passed += sum(each["status"] == "SUCCESS" for each in checks)
        problems += [f"{scenario}: {each} failed" for each in sorted(failed - set(exempt))]
        problems += [f"{scenario}: {each} does not fail any more" for each in sorted(set(exempt) - failed)]
    summary = f"{passed} checks of {len(SCENARIOS)} scenarios passed" if not problems else "failed"
    return Result(name, version, summary, "\n".join(problems))


def _run(command: list[str], folder: Path, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    # Some programs keep files in the home of their user.
    variables = {"PATH": f"{programs.NODE}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), **(environ or {})}
    return programs.run(command, folder, variables, seconds=TIMEOUT_SECONDS)


def _locked(environment: str, package: str) -> str:
    lock = (ROOT / f"requirements/{environment}.txt").read_text()
    (version,) = re.findall(rf"^{re.escape(package)}==(\S+)", lock, re.MULTILINE)
    return str(version)
