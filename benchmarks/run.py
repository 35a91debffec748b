"""A run of the benchmark: every measurement, on one engine, of the service as it ships."""

import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import BUILT, Results
from benchmarks.measurements import growth, partition, sizes, start
from benchmarks.process import measured
from benchmarks.service import Service
from tools import ROOT
from tools.dynamodb.local_engine import FOLDER, Engine
from tools.local import stack
from tools.progress import step

PEERS_PYTHON = (str(ROOT / ".envs/peers/bin/python"),)
JAVA_OPTIONS = ("-Xmx3g", "-XX:+UseSerialGC")  # for a million items in memory
LONG_LIFETIME = {"LIFETIME_SECONDS": "900000000"}  # a session that is touched each minute never ends
NO_AGENT_UPDATES = {"LAST_SEEN_INTERVAL_SECONDS": "900000000"}  # a touch is a single write


class Effort(NamedTuple):
    """How much is measured."""

    starts: int  # rounds of fresh processes
    rounds: int  # rounds of warm operations
    repeat: int  # requests in each of these rounds
    sizes: Sequence[int]  # numbers of sessions at which growth is measured
    requests: int  # validations of one warm function, to see its memory


FULL = Effort(starts=21, rounds=15, repeat=10, sizes=(100, 1_000, 10_000, 100_000, 1_000_000), requests=100_000)
QUICK = Effort(starts=3, rounds=5, repeat=4, sizes=(100, 1_000, 10_000), requests=1_000)


def measure(effort: Effort) -> Results:
    """Build the service, measure it, and print the progress."""
    with tempfile.TemporaryDirectory() as folder:
        step("Building the layer and the functions", lambda: stack.build(Path(folder) / "sam.log"))
        engine = step("Starting DynamoDB Local", lambda: Engine.start(Path(folder), JAVA_OPTIONS))
        try:
            return _results(Service.create(engine.url, "bench"), effort)
        finally:
            engine.stop()


def _results(service: Service, effort: Effort) -> Results:
    step("Warming it up", service.warm_up)
    environ, repeated = service.environ(str(ROOT), **LONG_LIFETIME), (effort.rounds, effort.repeat)
    peers: dict[str, Any] = {"environ": environ | NO_AGENT_UPDATES, "python": PEERS_PYTHON}
    function = start.function_environ(service, str(BUILT / "SessionsFunction"), str(ROOT))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "sizes": sizes.packages(),
        "start": step("Starting functions", lambda: start.measure(service, effort.starts)),
        "warm": step("Serving requests", lambda: measured("warm", *repeated, environ=environ)),
        "peers": step("Comparing other stores", lambda: measured("other_stores", *repeated, **peers)),
        "memory": step("Watching memory", lambda: measured("memory", effort.requests, environ=function)),
        "growth": step("Growing", lambda: growth.measure(service.url, effort.sizes, effort.rounds)),
        "partition": step("Growing one agent", lambda: partition.measure(service.url, (10, *effort.sizes[:-1]))),
    }


def machine() -> dict[str, str | int]:
    """Describe the machine and its software without identifying it."""
    return {
        "processors": os.cpu_count() or 0,
        "architecture": platform.machine(),
        "system": platform.system(),
        "Python": platform.python_version(),
        "boto3": version("boto3"),
        "Powertools": version("aws-lambda-powertools"),
        "DynamoDB Local": next(FOLDER.glob("DynamoDBLocal-*.jar")).stem.removeprefix("DynamoDBLocal-"),
    }
