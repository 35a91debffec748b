"""Emulator.running and Emulator.stop, with a small process in place of the emulator."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.local import LocalError
from tools.local import emulator as module
from tools.local.emulator import Emulator

# Each prints a line when it is ready, and keeps the lock that it inherits as long as it lives, unless it lets it go.
LETS_ITS_LOCK_GO_FIRST = """
import os, signal, sys, time
def end(*_):
    os.close(int(sys.argv[1]))
    time.sleep(0.5)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
signal.pause()
"""
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True: signal.pause()
"""
ENDS_AT_SIGTERM = """
import signal
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Emulator]]:
    """Starts a program as Emulator.start starts the emulator; none outlives the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(program: str) -> Emulator:
        with (tmp_path / "emulator.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", program, str(lock.fileno())],
                stdout=subprocess.PIPE,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
        processes.append(process)
        assert process.stdout
        with process.stdout as output:
            assert output.readline() == b"ready\n"
        (tmp_path / "emulator.json").write_text(json.dumps({"pid": process.pid, "port": 4566}))
        return Emulator(process.pid, 4566, tmp_path, process)

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_stop_reaps_an_emulator_that_has_released_its_lock(start: Callable[[str], Emulator]) -> None:
    emulator = start(LETS_ITS_LOCK_GO_FIRST)

    emulator.stop()

    assert emulator.process
    assert emulator.process.returncode == 0
    assert Emulator.running(emulator.folder) is None


def test_stop_kills_an_emulator_that_ignores_sigterm(
    start: Callable[[str], Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    emulator = start(IGNORES_SIGTERM)

    emulator.stop()

    assert emulator.process
    assert emulator.process.returncode == -signal.SIGKILL


def test_stop_ends_an_emulator_that_another_process_started(start: Callable[[str], Emulator]) -> None:
    emulator = start(ENDS_AT_SIGTERM)
    found = Emulator.running(emulator.folder)
    assert found
    assert (found.pid, found.port, found.process) == (emulator.pid, 4566, None)

    found.stop()

    assert emulator.process
    assert emulator.process.wait(60) == -signal.SIGTERM
    assert not (emulator.folder / "emulator.json").exists()


def test_stop_of_an_emulator_that_has_ended_signals_nothing(
    start: Callable[[str], Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = start(ENDS_AT_SIGTERM)
    emulator.stop()
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("its process id may belong to another program by now"))

    emulator.stop()


def test_stop_deletes_what_the_emulator_unpacked(start: Callable[[str], Emulator]) -> None:
    emulator = start(ENDS_AT_SIGTERM)
    (emulator.folder / "tmp" / "function").mkdir(parents=True)

    emulator.stop()

    assert not (emulator.folder / "tmp").exists()


def test_full_disk_stops_the_start_with_the_space_that_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "require_free_port", lambda _: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=600_000_000))

    with pytest.raises(LocalError, match=r"has 0\.6 GB left; the functions need 1 GB"):
        Emulator.start(tmp_path, 4566)


def test_other_process_with_the_same_id_is_not_the_emulator(tmp_path: Path) -> None:
    (tmp_path / "emulator.json").write_text(json.dumps({"pid": os.getpid(), "port": 4566}))

    assert Emulator.running(tmp_path) is None
