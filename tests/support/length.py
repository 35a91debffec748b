"""How long the tests run: short, or with ``TEST_LENGTH=full`` at full length.

``make unit`` and ``make test`` are short; ``make prove`` and ``make fuzz`` are full. docs/reliability.md lists what
each property has at which length. A short run tries the same inputs every time, a full run tries new ones.
"""

import os

from hypothesis import HealthCheck, settings

LENGTH = os.environ.get("TEST_LENGTH", "short")
if LENGTH not in ("short", "full"):
    raise ValueError(f"TEST_LENGTH must be short or full, not {LENGTH}")


def by_length[T](short: T, full: T) -> T:
    """Return the value for the length of this run."""
    return full if LENGTH == "full" else short


def examples(short: int, full: int) -> settings:
    """Return the settings of a property test with this many examples.

    The time that an example takes depends on how busy the machine is, so there is no deadline.
    """
    return settings(
        max_examples=by_length(short, full),
        derandomize=by_length(True, False),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
