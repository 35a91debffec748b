"""Cold starts: CPU of fresh processes, from the bare interpreter to the first response."""

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from functools import partial

from benchmarks import BUILT
from benchmarks.measurements.requests import event
from benchmarks.process import cpu_seconds, run
from benchmarks.samples import interleaved
from benchmarks.service import NO_TIMEOUTS, OWNER, Service

PACKAGE = "import botocore.session, agent_sessions.services.sessions"
CLIENT = f"{PACKAGE}; from agent_sessions.dynamodb.client import BotocoreTransport; BotocoreTransport.connect()"
# Each step does what the step before it does, and one thing more.
STEPS = {
    "interpreter": "pass",
    "+ botocore": "import botocore.session",
    "+ package": PACKAGE,
    "+ DynamoDB client": CLIENT,
    "+ Powertools": f"{CLIENT}; import agent_sessions.http.api",
    "function ready": "import app",
    "first validation": "import app, json, os, types; context = types.SimpleNamespace(aws_request_id='measured');"
    "assert app.handler(json.loads(os.environ['EVENT']), context)['statusCode'] == 200",
}
# The baseline: a boto3 client from the same layer, so with the same bytecode.
BARE = {
    "bare client": "import boto3; boto3.client('dynamodb')",
    "bare client, one get_item": "import boto3, json, os;"
    "assert 'Item' in boto3.client('dynamodb').get_item(**json.loads(os.environ['ITEM']))",
}
# The goals compare these; the other steps explain what a start consists of.
COMPARED = {name: STEPS[name] for name in ("function ready", "first validation")} | BARE
EXPLAINING = {name: program for name, program in STEPS.items() if name not in COMPARED}

IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \| +([^.\s]+)\S*$", re.MULTILINE)


def measure(service: Service, rounds: int, cases: Mapping[str, str]) -> dict[str, list[float]]:
    """Return the CPU seconds of each case, round by round."""
    environ = function_environ(service, str(BUILT / "SessionsFunction"))
    return interleaved(rounds, {name: partial(cpu_seconds, program, environ) for name, program in cases.items()})


def import_seconds(service: Service) -> dict[str, float]:
    """Return the seconds that one start spends in the modules of each package, the slowest first."""
    environ = function_environ(service, str(BUILT / "SessionsFunction"))
    seconds: Counter[str] = Counter()
    for own, package in IMPORT.findall(run("-X", "importtime", "-c", STEPS["function ready"], environ=environ).stderr):
        seconds["Python" if package in sys.stdlib_module_names else package] += int(own)
    return {package: microseconds / 1e6 for package, microseconds in seconds.most_common()}


def function_environ(service: Service, *path: str) -> dict[str, str]:
    """Return the environment of a process that validates a new session: the request in EVENT, its item in ITEM."""
    signed_in = service.sessions(**NO_TIMEOUTS).sign_in(OWNER, "Claude")
    key = {"agent_id": {"S": signed_in.session.agent_id}, "session_id": {"S": signed_in.session.session_id}}
    item = {"TableName": service.tables["SESSIONS_TABLE"], "Key": key, "ConsistentRead": True}
    variables = {"EVENT": json.dumps(event("validate_session", signed_in.session_token)), "ITEM": json.dumps(item)}
    return service.environ(*path, **NO_TIMEOUTS, **variables)
