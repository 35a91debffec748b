"""Whose code the CPU time goes to."""

import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath

# The first that is part of a file's path owns it.
OWNERS = {
    "agent_sessions": "agent_sessions",
    "app.py": "agent_sessions",
    "aws_lambda_powertools": "Powertools",
    "botocore": "botocore",
    "urllib3": "urllib3",
    "http": "Python: http, email, socket",
    "email": "Python: http, email, socket",
    "socket.py": "Python: http, email, socket",
    "selectors.py": "Python: http, email, socket",
    "json": "Python: json",
    "logging": "Python: logging",
}
OTHERS = "Python: everything else"


def shares(action: Callable[[], object], times: int) -> dict[str, float]:
    """Return the CPU seconds of one call, by whose code it is; what is written in C is its caller's.

    The profiler itself makes all of it slower, small functions most.
    """
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for _ in range(times):
        action()
    profile.disable()
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file != "~":
            seconds[owner(file)] += own
            continue
        for (caller, _, _), (_, _, in_caller, _) in callers.items():
            seconds[owner(caller)] += in_caller
    return {name: total / times for name, total in seconds.most_common()}


def owner(file: str) -> str:
    """Return whose file it is."""
    parts = PurePath(file).parts
    return next((name for part, name in OWNERS.items() if part in parts), OTHERS)
