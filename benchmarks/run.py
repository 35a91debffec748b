"""A run of the benchmark: everything in one go, on one engine, as the service ships."""

import os
import platform
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import botocore

from benchmarks import BUILT
from benchmarks.measurements import growth, imports, sizes, start
from benchmarks.pins import pinned
from benchmarks.process import run
from benchmarks.results import Results
from benchmarks.service import Service
from tools import ROOT
from tools.dynamodb.local_engine import FOLDER, Engine
from tools.local import stack
from tools.local.__main__ import step

PEERS_PYTHON = (str(ROOT / ".envs/peers/bin/python"),)
STORES = ("dynamodb-session-web", "awslabs-mcp-lambda-handler", "flask-session")
# Of Java, for as many items in memory and as much work.
FOR_A_MILLION = ("-Xmx3g", "-XX:+UseSerialGC")
# A session that is touched each minute for a year.
LONG = {"LIFETIME_SECONDS": "900000000"}
# A touch alone: the write to the agent is measured by itself.
NEVER_SEEN = {"LAST_SEEN_INTERVAL_SECONDS": "900000000"}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Args:
        starts: Rounds of fresh processes; of the steps that only explain a start, a third.
        rounds: Rounds of warm operations.
        repeat: Requests in each of them.
        sizes: Numbers of sessions at which growth is measured.
        requests: Validations that one warm function answers.
    """

    starts: int
    rounds: int
    repeat: int
    sizes: tuple[int, ...]
    requests: int


FULL = Effort(starts=21, rounds=15, repeat=10, sizes=(100, 1_000, 10_000, 100_000, 1_000_000), requests=100_000)
QUICK = Effort(starts=3, rounds=5, repeat=4, sizes=(100, 1_000, 10_000), requests=1_000)


def measure(effort: Effort) -> Results:
    """Build the service, measure it, and say what is being done while it lasts."""
    with tempfile.TemporaryDirectory() as folder:
        step("Building the layer and the functions", lambda: stack.build(Path(folder) / "sam.log"))
        engine = step("Starting DynamoDB Local", lambda: Engine.start(Path(folder), FOR_A_MILLION))
        try:
            return _measured(engine.url, effort)
        finally:
            engine.stop()


def _measured(url: str, effort: Effort) -> Results:
    service = Service.create(url, "bench")
    step("Warming it up", service.warm_up)
    results: Results = {"taken": datetime.now(UTC).date().isoformat(), "machine": machine()}
    results["stores"] = {name: pinned("requirements/peers.txt", name) for name in STORES}
    results["sizes"] = sizes.packages()
    results["start"] = step(
        "Starting functions",
        lambda: (
            start.measure(service, effort.starts // 3, start.EXPLAINING)
            | start.measure(service, effort.starts, start.COMPARED)
        ),
    )
    importtime = start.import_times(service)
    results["imports"] = {
        "packages": imports.by_package(importtime),
        "modules": imports.slowest_modules(importtime, 15),
    }
    often = (str(effort.rounds), str(effort.repeat))
    results["warm"] = step(
        "Answering requests",
        lambda: run("-m", "benchmarks.measurements.warm", *often, environ=service.environ(str(ROOT), **LONG)).answer,
    )
    results["peers"] = step(
        "Asking other session stores",
        lambda: (
            run(
                "-m",
                "benchmarks.measurements.compare_stores",
                *often,
                environ=service.environ(str(ROOT), **NEVER_SEEN),
                python=PEERS_PYTHON,
            ).answer
        ),
    )

    def held() -> None:
        environ = start.environ(service, str(BUILT / "SessionsFunction"), str(ROOT))
        results["memory"] = run("-m", "benchmarks.measurements.memory", str(effort.requests), environ=environ).answer

    results["growth"] = step(
        f"Growing to {effort.sizes[-1]:,} sessions, and validating {effort.requests:,} times meanwhile",
        lambda: growth.measure(url, effort.sizes, effort.rounds, meanwhile=held),
    )
    return results


def machine() -> dict[str, str | int]:
    """Describe the machine and what runs on it, without naming either."""
    engine = next(FOLDER.glob("DynamoDBLocal-*.jar")).stem
    return {
        "processors": os.cpu_count() or 0,
        "architecture": platform.machine(),
        "system": platform.system(),
        "Python": platform.python_version(),
        "boto3": botocore.__version__,
        "Powertools": pinned("layers/agent_sessions/requirements.txt", "aws-lambda-powertools"),
        "DynamoDB Local": engine.removeprefix("DynamoDBLocal-"),
    }
