"""CPU time by the package whose code runs."""

import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath

NETWORK = "Python: http, email, socket"
# The first name that is part of a file's path owns the file.
OWNERS = {
    "agent_sessions": "agent_sessions",
    "app.py": "agent_sessions",
    "aws_lambda_powertools": "Powertools",
    "botocore": "botocore",
    "urllib3": "urllib3",
    **dict.fromkeys(("http", "email", "socket.py", "selectors.py"), NETWORK),
    "json": "Python: json",
    "logging": "Python: logging",
}


def cpu_by_owner(action: Callable[[], object], times: int) -> dict[str, float]:
    """Return the CPU seconds of one call by owner; time in C code counts for its caller."""
    profile = cProfile.Profile(time.process_time)
    for _ in range(times):
        profile.runcall(action)
    seconds: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file != "~":
            seconds[owner(file)] += own
        else:
            for (caller, _, _), (_, _, in_caller, _) in callers.items():
                seconds[owner(caller)] += in_caller
    return {name: total / times for name, total in seconds.most_common()}


def owner(file: str) -> str:
    """Return the owner of a file."""
    parts = PurePath(file).parts
    return next((name for part, name in OWNERS.items() if part in parts), "Python: everything else")
