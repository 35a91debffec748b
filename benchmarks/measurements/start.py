"""Cold starts: CPU of fresh processes, from the bare interpreter to the first response."""

import json
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from agent_sessions.http.caller import PUBLIC
from benchmarks import BUILT
from benchmarks.measurements.requests import event
from benchmarks.process import cpu_seconds
from benchmarks.samples import interleaved
from benchmarks.service import NO_TIMEOUTS, Service

CONNECT = "from agent_sessions.settings import Settings; from agent_sessions.dynamodb.connect import connect;"
TRANSPORT = f"{CONNECT} connect(Settings.from_environment())"
READY = "import app"
VALIDATE = (
    "import app, json, os, types; context = types.SimpleNamespace(aws_request_id='measured');"
    "assert app.handler(json.loads(os.environ['EVENT']), context)['statusCode'] == 200"
)
CLIENT = "import boto3; client = boto3.client('dynamodb')"
GET_ITEM = f"{CLIENT}; import json, os; assert 'Item' in client.get_item(**json.loads(os.environ['ITEM']))"
# Starts without a call are measured with AWS's own endpoint, for which the direct transport reads the authorities.
ON_AWS, BOTOCORE = {"AWS_ENDPOINT_URL": ""}, {"TRANSPORT": "botocore"}


class Case(NamedTuple):
    """A program in a fresh process, with the code of a function."""

    program: str
    variables: Mapping[str, str] = ON_AWS
    function: str = "SessionsFunction"


# Up to "function ready", each step does what the step before it does, and one thing more. A bare client comes from the
# same layer, so with the same bytecode.
CASES = {
    "interpreter": Case("pass"),
    "+ direct transport": Case(TRANSPORT),
    "+ services": Case(f"{TRANSPORT}; import agent_sessions.services.sessions"),
    "+ HTTP": Case(f"{TRANSPORT}; import agent_sessions.services.sessions, agent_sessions.http.api"),
    "function ready": Case(READY),
    "first validation": Case(VALIDATE, {}),
    "authorizer ready": Case(READY, function="AuthorizerFunction"),
    "function ready, botocore": Case(READY, ON_AWS | BOTOCORE),
    "first validation, botocore": Case(VALIDATE, BOTOCORE),
    "bare client": Case(CLIENT),
    "bare client, one get_item": Case(GET_ITEM, {}),
}


def measure(service: Service, rounds: int, cases: Mapping[str, Case] = CASES) -> dict[str, list[float]]:
    """Return the CPU seconds of each case, round by round."""
    environs = {each.function: function_environ(service, str(BUILT / each.function)) for each in cases.values()}

    def start(case: Case) -> float:
        return cpu_seconds(case.program, {**environs[case.function], **case.variables})

    return interleaved(rounds, {name: partial(start, case) for name, case in cases.items()})


def function_environ(service: Service, *path: str) -> dict[str, str]:
    """Return the environment of a process that validates a new session: the request in EVENT, its item in ITEM."""
    signed_in = service.sessions(**NO_TIMEOUTS).sign_in(PUBLIC, "Claude")
    key = {"agent_id": {"S": signed_in.session.agent_id}, "session_id": {"S": signed_in.session.session_id}}
    item = {"TableName": service.tables["SESSIONS_TABLE"], "Key": key, "ConsistentRead": True}
    variables = {"EVENT": json.dumps(event("validate_session", signed_in.session_token)), "ITEM": json.dumps(item)}
    return service.environ(*path, **NO_TIMEOUTS, **variables)
