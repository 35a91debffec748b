"""Progress lines for commands that take a while."""

import time
from collections.abc import Callable


def step[Result](title: str, action: Callable[[], Result]) -> Result:
    """Run an action; print its title before it, and its duration after it."""
    print(f"{title} ...", end="", flush=True)
    start = time.monotonic()
    try:
        result = action()
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - start:.0f} s", flush=True)
    return result
