"""End a command as after Ctrl-C, at a moment when it has recorded what it has started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _State:
    deferred = False
    pending = False


def install() -> None:
    """Raise KeyboardInterrupt for Ctrl-C, for `kill` and for a closed terminal; signals that are ignored stay so."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and background jobs of a shell have it
            signal.signal(number, _interrupt)


@contextmanager
def deferred() -> Iterator[None]:
    """Raise the KeyboardInterrupt of a signal only when this block has ended.

    Otherwise a process could have started while nothing refers to it yet, and nobody would stop it.
    """
    _State.deferred = True
    try:
        yield
    finally:
        _State.deferred = False
        if _State.pending:
            _State.pending = False
            raise KeyboardInterrupt


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    if _State.deferred:
        _State.pending = True
    else:
        raise KeyboardInterrupt
