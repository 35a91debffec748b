"""What each operation takes in a warm function, beside the same DynamoDB calls made with bare boto3.

Run from the layer, as ``-m benchmarks.measurements.warm ROUNDS REPEAT [OPERATION ...]``; prints JSON.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import boto3
from botocore import xform_name

from benchmarks.measurements.profiles import shares
from benchmarks.measurements.requests import CONTEXT, Functions, Operation, Output
from benchmarks.samples import interleaved
from tools.dynamodb.capacity_meter import Meter

PROFILED = 300
ATTEMPTS = 3

type Call = tuple[str, dict[str, Any]]
type Times = tuple[float, float]


def main(rounds: int, repeat: int, chosen: Sequence[str]) -> dict[str, Any]:
    """Measure all operations, or those chosen; each figure is of ``repeat`` requests in a row, divided by them."""
    output = Output()
    with contextlib.redirect_stdout(output):
        calls, told = look(output)
        functions = Functions()
        operations = functions.operations()
        bare = boto3.client("dynamodb")
        again = {name: repetition(bare, calls[name]) for name, each in operations.items() if each.repeatable}
        figures = interleaved(
            rounds,
            {
                label: take
                for name, each in operations.items()
                if not chosen or name in chosen
                for label, take in (
                    (name, partial(serve, functions, each, repeat)),
                    (f"bare: {name}", partial(timed, again[name], repeat) if name in again else None),
                )
                if take
            },
        )
        validate = operations["validate"]
        profile = {
            "validate": shares(lambda: validate.handler(validate.prepare()[1], CONTEXT), PROFILED),
            "bare get_item": shares(again["validate"], PROFILED),
        }
    for name, taken in figures.items():
        told.setdefault(name, {}).update(cpu=[cpu for cpu, _ in taken], wall=[wall for _, wall in taken])
    return {"operations": told, "profile": profile}


def look(output: Output) -> tuple[dict[str, list[Call]], dict[str, dict[str, Any]]]:
    """Do every operation once, on functions of its own: which calls does it make, what do they cost, what is told?"""
    functions = Functions()
    operations = functions.operations()
    made: list[Call] = []
    for client in functions.clients:
        client.meta.events.register(
            "provide-client-params.dynamodb",
            lambda params, model, **_: made.append((xform_name(model.name), dict(params))),
        )
    meter = Meter(*functions.clients)
    calls, told = {}, {}
    for name, operation in operations.items():
        at, event = operation.prepare()
        made.clear()
        meter.reset()
        output.reset()
        functions.clock.time = at
        answer = operation.handler(event, CONTEXT)
        _, read, written = meter.spent
        calls[name] = list(made)
        told[name] = {
            "calls": len(made),
            "read_units": read,
            "write_units": written,
            "log_bytes": output.bytes,
            "metric_bytes": output.metric_bytes,
            "log_lines": output.lines,
            "body_bytes": len(answer["body"]),
        }
    return calls, told


def repetition(client: Any, calls: list[Call]) -> Callable[[], None]:
    """Return what makes the same calls once more."""

    def again() -> None:
        for name, parameters in calls:
            getattr(client, name)(**parameters)

    return again


def serve(functions: Functions, operation: Operation, repeat: int) -> Times:
    """Answer ``repeat`` requests; return the CPU and the wall seconds of one.

    On a busy machine the engine may be too late for the service, which then answers 503: that tells
    nothing of the service's own speed, and all are sent anew.
    """
    for _ in range(ATTEMPTS):
        prepared = [operation.prepare() for _ in range(repeat)]
        answers = []
        cpu, wall = time.process_time(), time.perf_counter()
        for at, event in prepared:
            functions.clock.time = at
            answers.append(operation.handler(event, CONTEXT))
        taken = (time.process_time() - cpu) / repeat, (time.perf_counter() - wall) / repeat
        if all(each["statusCode"] == operation.status for each in answers):
            return taken
    raise RuntimeError(f"not the answer that was expected, but {answers}")


def timed(action: Callable[[], None], repeat: int) -> Times:
    """Do something ``repeat`` times; return the CPU and the wall seconds of one."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeat):
        action()
    return (time.process_time() - cpu) / repeat, (time.perf_counter() - wall) / repeat


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
