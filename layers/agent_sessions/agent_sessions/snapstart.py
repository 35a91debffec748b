"""What a container does after Lambda SnapStart has restored it from a snapshot."""

import random
from collections.abc import Callable
from contextlib import suppress


def reseed_after_restore() -> None:
    """Reseed ``random`` in each container that Lambda restores from a snapshot.

    Session tokens come from the operating system and are unaffected. Pauses between retries come from
    ``random``: with the same state, containers that were throttled together would retry together.
    """
    after_restore(random.seed)


def after_restore(action: Callable[[], object]) -> None:
    """Run an action in each container that Lambda restores from a snapshot."""
    # Only Lambda's runtime has this module; elsewhere no snapshot exists.
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    with suppress(ImportError):
        from snapshot_restore_py import register_after_restore

        register_after_restore(action)
