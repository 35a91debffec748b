"""What a cold start takes: CPU of fresh processes, from the bare interpreter to the first answer."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks import BUILT
from benchmarks.process import run
from benchmarks.samples import interleaved
from benchmarks.service import UNHURRIED, Service
from tools import ROOT

CLIENT = "from agent_sessions.dynamodb.client import create_client; create_client()"
# Each step does all that the one before it does, and one thing more.
STEPS = {
    "Python": "pass",
    "botocore": "import botocore.session",
    "package": "import agent_sessions",
    "client": CLIENT,
    "Powertools": f"{CLIENT}; import agent_sessions.http.api",
    "function": "import app",
    "first request": """
import app, json, os, types
answer = app.handler(json.loads(os.environ["EVENT"]), types.SimpleNamespace(aws_request_id="measured"))
assert answer["statusCode"] == 200, answer
""",
}
# What anyone pays who calls DynamoDB with boto3; from the same layer, so with the same bytecode.
BARE = {
    "bare client": 'import boto3; boto3.client("dynamodb")',
    "bare client and get_item": """
import boto3, json, os
answer = boto3.client("dynamodb").get_item(**json.loads(os.environ["ITEM"]))
assert "Item" in answer, answer
""",
}
# What the goals compare, and the steps that say what it is made of.
COMPARED = {name: STEPS[name] for name in ("function", "first request")} | BARE
EXPLAINING = {name: program for name, program in STEPS.items() if name not in COMPARED}


def measure(service: Service, rounds: int, cases: Mapping[str, str]) -> dict[str, list[float]]:
    """Return the CPU seconds of each case, round by round."""
    function = environ(service, str(BUILT / "SessionsFunction"))
    return interleaved(rounds, {name: partial(_cpu, program, function) for name, program in cases.items()})


def import_times(service: Service) -> str:
    """Return what ``python -X importtime`` says of the function's imports."""
    return run(
        "-X", "importtime", "-c", STEPS["function"], environ=environ(service, str(BUILT / "SessionsFunction"))
    ).errors


def _cpu(program: str, environ: Mapping[str, str]) -> float:
    return run("-c", program, environ=environ).cpu


def environ(service: Service, *path: str) -> dict[str, str]:
    """Return the environment of a process that answers the request in EVENT, or reads the ITEM behind it.

    Args:
        service: Whose tables it uses, with a session made for it.
        path: What it imports from, before the layer.
    """
    variables = service.environ(*path, **UNHURRIED)
    signed_in = service.sign_in("Claude", variables)
    event: dict[str, Any] = json.loads((ROOT / "events/validate_session.json").read_text())
    event["headers"]["authorization"] = f"Bearer {signed_in.session_token}"
    key = {"agent_id": {"S": signed_in.session.agent_id}, "session_id": {"S": signed_in.session.session_id}}
    item = {"TableName": service.settings.sessions_table, "Key": key, "ConsistentRead": True}
    return variables | {"EVENT": json.dumps(event), "ITEM": json.dumps(item)}
