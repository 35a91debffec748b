"""Memory of a warm function over many requests.

Runs from the function and the layer as ``-m benchmarks.measurements.memory REQUESTS``, with an event in EVENT.
"""

import contextlib
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

from benchmarks.process import peak_memory

FIRST = 100  # requests whose CPU is recorded one by one


def main(requests: int) -> dict[str, Any]:
    """Validate ``requests`` times; return the CPU of the first ones, and samples of the memory along the way."""
    import app

    event, context = json.loads(os.environ["EVENT"]), SimpleNamespace(aws_request_id="measured")
    sampled = {requests, *(digit * 10**power for power in range(6) for digit in (1, 2, 5))}
    samples, cpu, failed = [sample(0)], [], 0
    for number in range(1, requests + 1):
        before = time.process_time()
        response = app.handler(event, context)
        if number <= FIRST:
            cpu.append(time.process_time() - before)
        # Other measurements keep the machine busy meanwhile, so the engine may respond too late.
        failed += response["statusCode"] != 200
        if number in sampled:
            samples.append(sample(number))
    return {"requests": requests, "failed": failed, "cpu": cpu, "samples": samples}


def sample(requests: int) -> dict[str, int]:
    """Return the peak resident set so far, in bytes, and the blocks that Python has allocated."""
    return {"requests": requests, "peak": peak_memory(), "blocks": sys.getallocatedblocks()}


if __name__ == "__main__":
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        measured = main(int(sys.argv[1]))
    print(json.dumps(measured))
