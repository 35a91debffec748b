"""What containers that start from one snapshot (Lambda SnapStart) must not have in common."""

import random
from contextlib import suppress


def reseed_after_restore() -> None:
    """Let each container draw random numbers of its own once it is restored.

    Tokens come from the operating system and differ anyway. Pauses between attempts are drawn from ``random``:
    with one state for all, containers that were throttled together would come back together.
    """
    # Lambda's runtime has this module; elsewhere nothing is restored.
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    with suppress(ImportError):
        from snapshot_restore_py import register_after_restore

        register_after_restore(random.seed)
