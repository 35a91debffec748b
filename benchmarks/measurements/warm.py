"""Every operation in a warm function, beside the same DynamoDB calls made with bare boto3; runs from the layer."""

import contextlib
import io
import os
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import boto3
from botocore import xform_name

from benchmarks.measurements.requests import CONTEXT, Functions, Operation, authorizer_event, event, load
from benchmarks.samples import interleaved_times, timed
from tools.dynamodb.capacity_meter import Meter
from tools.dynamodb.fast_client import FastClient

ATTEMPTS = 3

type Call = tuple[str, dict[str, Any]]


def main(rounds: int, repeat: int, *chosen: str) -> dict[str, Any]:
    """Measure the chosen operations, or all; each sample is the mean of ``repeat`` requests."""
    calls, entries = inspect()
    _, quiet = inspect(POWERTOOLS_LOG_LEVEL="WARNING")
    functions, client = Functions(), boto3.client("dynamodb")
    operations = functions.operations()
    cases: dict[tuple[str, bool], Callable[[], tuple[float, float]]] = {}
    for name in chosen or operations:
        cases[name, False] = partial(serve, functions, operations[name], repeat)
        if operations[name].repeatable:
            cases[name, True] = partial(timed, [partial(replay, client, calls[name])] * repeat)
    for name, entry in entries.items():
        entry["metric_bytes"] = quiet[name]["log_bytes"]
    for (name, is_bare), times in interleaved_times(rounds, cases).items():
        entry = entries[name].setdefault("bare", {}) if is_bare else entries[name]
        entry.update(times)
    compared = {} if chosen else compare(functions, client, calls["validate"], rounds, repeat)
    return {"operations": entries, "compared": compared}


def compare(functions: Functions, client: Any, calls: list[Call], rounds: int, repeat: int) -> dict[str, Any]:
    """Measure a validation in every way, beside the one call that it makes."""
    ((_, request),) = calls
    url, key, region = (os.environ[f"AWS_{name}"] for name in ("ENDPOINT_URL", "ACCESS_KEY_ID", "DEFAULT_REGION"))
    botocore = load("SessionsFunction", TRANSPORT="botocore")
    token, context = functions.sign_in()["session_token"], CONTEXT
    validate, authorizer = event("validate_session", token), load("AuthorizerFunction")
    ways: dict[str, Callable[[], object]] = {
        "bare get_item": partial(client.get_item, **request),
        "http.client, prepared signature": partial(FastClient(url, key=key, region=region).get_item, **request),
        "direct transport alone": partial(functions.transports[0], "GetItem", request),
        "in process": partial(functions.sessions.service.validate, token),
        "in process, botocore": partial(botocore.service.validate, token),
        "authorizer": partial(authorizer.handler, authorizer_event(token), context),
        "handler": partial(functions.sessions.handler, validate, context),
        "handler, botocore": partial(botocore.handler, validate, context),
    }
    return interleaved_times(rounds, {name: partial(timed, [way] * repeat) for name, way in ways.items()})


def inspect(**environ: str) -> tuple[dict[str, list[Call]], dict[str, dict[str, Any]]]:
    """Serve every operation once; return its DynamoDB calls, and what it consumes, logs and returns."""
    functions = Functions(TRANSPORT="botocore", **environ)
    meter = Meter(*(transport.client for transport in functions.transports))
    calls, entries = {}, {}
    for name, operation in functions.operations().items():
        functions.time, event = next(operation.requests)
        meter.reset()
        with contextlib.redirect_stdout(io.StringIO()) as log:
            response = operation.function.handler(event, CONTEXT)
        calls[name] = list(meter.requests)
        made, read_units, write_units = meter.spent
        entries[name] = {
            "calls": len(made),
            "read_units": read_units,
            "write_units": write_units,
            "log_bytes": len(log.getvalue()),  # ASCII: a character is a byte
            "log_lines": log.getvalue().count("\n"),
            "body_bytes": len(response["body"]),
        }
    return calls, entries


def replay(client: Any, calls: list[Call]) -> None:
    """Make the same calls again."""
    for name, parameters in calls:
        getattr(client, xform_name(name))(**parameters)


def serve(functions: Functions, operation: Operation, repeat: int) -> tuple[float, float]:
    """Serve ``repeat`` requests, again if a busy engine misses a deadline; return the CPU and wall seconds of one."""

    def send(at: int, event: dict[str, Any]) -> None:
        functions.time = at
        statuses.add(operation.function.handler(event, CONTEXT)["statusCode"])

    for _ in range(ATTEMPTS):
        statuses: set[int] = set()
        taken = timed([partial(send, at, event) for at, event in islice(operation.requests, repeat)])
        if statuses == {operation.status}:
            return taken
    raise RuntimeError(f"expected status {operation.status}, got {statuses}")
