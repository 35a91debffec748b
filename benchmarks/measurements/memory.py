"""Memory of a warm function over many requests; runs from the function and the layer, with an event in EVENT."""

import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

from benchmarks.process import peak_memory

FIRST = 100  # requests whose CPU is recorded one by one


def main(requests: int) -> dict[str, Any]:
    """Return the CPU of the first validations, and the memory after so many: its peak in bytes, and Python's blocks."""
    import app

    event, context = json.loads(os.environ["EVENT"]), SimpleNamespace(aws_request_id="measured")
    sampled = {0, requests, *(digit * 10**power for power in range(6) for digit in (1, 2, 5))}
    samples, cpu, failed = [], [], 0
    for number in range(requests + 1):
        if number in sampled:
            memory = {"peak": peak_memory(), "blocks": sys.getallocatedblocks()}
            samples.append({"requests": number, **memory})
        before = time.process_time()
        failed += app.handler(event, context)["statusCode"] != 200
        if number < FIRST:
            cpu.append(time.process_time() - before)
    if failed > requests / 1000:  # a busy engine may respond too late
        raise RuntimeError(f"{failed} of {requests} validations failed")
    return {"requests": requests, "cpu": cpu, "samples": samples}
