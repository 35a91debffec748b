"""A signal interrupts a command, but never between the start of a process and the moment that it is known."""

import os
import signal
from collections.abc import Iterator

import pytest

from tools.local import interrupts

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Start from the default handlers, whatever the run itself ignores; restore its own."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_interrupts(number: signal.Signals) -> None:
    interrupts.install()

    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_deferred_signal_interrupts_at_the_end_of_the_block(number: signal.Signals) -> None:
    interrupts.install()
    finished = []

    def block() -> None:
        with interrupts.deferred():
            os.kill(os.getpid(), number)
            finished.append(True)

    with pytest.raises(KeyboardInterrupt):
        block()

    assert finished


def test_deferred_signal_interrupts_once() -> None:
    interrupts.install()
    with pytest.raises(KeyboardInterrupt), interrupts.deferred():
        os.kill(os.getpid(), signal.SIGTERM)

    with interrupts.deferred():
        pass


def test_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.install()

    os.kill(os.getpid(), signal.SIGHUP)
