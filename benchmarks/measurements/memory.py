"""What a warm function holds in memory, and whether it ever grows.

Run from the function and the layer, as ``-m benchmarks.measurements.memory REQUESTS``, with a request in EVENT; prints
JSON.
"""

import contextlib
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

from benchmarks.process import peak_memory

FIRST = 100  # requests whose CPU is told one by one


def main(requests: int) -> dict[str, Any]:
    """Validate ``requests`` times; tell the peak of memory and Python's own count of it along the way."""
    looks = sorted({requests, *(digit * 10**power for power in range(6) for digit in (1, 2, 5))})
    event = json.loads(os.environ["EVENT"])
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        import app

        held = [look(0)]
        cpu, refused = [], 0
        for number in range(1, requests + 1):
            before = time.process_time()
            answer = app.handler(event, SimpleNamespace(aws_request_id="measured"))
            if number <= FIRST:
                cpu.append(time.process_time() - before)
            # The machine is busy with other things while this runs, and the engine may answer too late.
            refused += answer["statusCode"] != 200
            if number in looks:
                held.append(look(number))
    return {"requests": requests, "refused": refused, "cpu": cpu, "held": held}


def look(requests: int) -> dict[str, int]:
    """Return the peak so far, in bytes, and the blocks that Python has in use."""
    return {"requests": requests, "peak": peak_memory(), "blocks": sys.getallocatedblocks()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
