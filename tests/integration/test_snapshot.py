"""A function may start from a snapshot of itself, so nothing random may be drawn before the snapshot."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tools import ROOT

# Imports a function in a new process, and fails if that draws random numbers or opens a connection.
START = """
import os, sys

drawn = []
urandom = os.urandom
os.urandom = lambda size: drawn.append("os.urandom") or urandom(size)
sys.addaudithook(lambda name, _: drawn.append(name) if name in ("socket.connect", "socket.getaddrinfo") else None)
import random
state = random.getstate()
import app
if random.getstate() != state:
    drawn.append("random")
if drawn:
    sys.exit(f"done at import, and the same in every container: {sorted(set(drawn))}")
"""


def start_function(function: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join(str(ROOT / folder) for folder in (f"functions/{function}", "layers/agent_sessions"))
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", START],
        env=environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("function", ["sessions", "agents"])
def test_nothing_random_is_drawn_before_the_first_event(function: str, environment: dict[str, str]) -> None:
    done = start_function(function, environment)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("function", ["sessions", "agents"])
def test_restored_containers_draw_different_random_numbers(
    function: str, load_function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks: list[Callable[[], Any]] = []
    runtime = SimpleNamespace(register_after_restore=hooks.append)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", runtime)
    load_function(function)
    snapshot = random.getstate()

    drawn = set()
    for _ in range(2):
        random.setstate(snapshot)
        for hook in hooks:
            hook()
        drawn.add(random.random())  # noqa: S311

    assert len(drawn) == 2
