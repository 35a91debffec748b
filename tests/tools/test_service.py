"""`make local` prints lines that can be pasted, and leaves nothing running if it fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_socket import enable_socket

from tests.support.timeouts import HANG_SECONDS
from tests.tools.checkout import Checkout
from tools.local import LocalError, docker, service, stack
from tools.local.emulator import Emulator
from tools.local.loopback import free_port

API = "http://localhost:4566/_aws/execute-api/a1b2c3d4/%24default"
CURL = '#!/bin/sh\nfor each; do printf "%s\\n" "$each"; done\n'


class Stub:
    """Stands for what `up` starts; records what it did."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.running: Emulator | None = None
        self.failing: str | None = None

    def step(self, name: str, result: Any = None) -> Callable[..., Any]:
        """Return a function that records its call, and fails if it is told to."""

        def record(*_: Any, **__: Any) -> Any:
            self.calls.append(name)
            if name == self.failing:
                raise LocalError(f"{name} failed")
            return result

        return record


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    stub = Stub()
    emulator = Emulator(pid=0, port=4566, folder=tmp_path)
    monkeypatch.setattr(service, "ROOT", tmp_path)
    monkeypatch.setattr(service, "FOLDER", tmp_path)
    monkeypatch.setattr(service, "require_free_port", stub.step("check the port"))
    monkeypatch.setattr(service, "free_port", lambda: 5000)
    monkeypatch.setattr(service, "install", stub.step("install"))
    monkeypatch.setattr(service, "wait_for", stub.step("wait"))
    monkeypatch.setattr(docker, "bridge_address", lambda: None)
    monkeypatch.setattr(stack, "build", stub.step("build"))
    monkeypatch.setattr(stack, "deploy", stub.step("deploy", {"ApiUrl": "http://a1b2c3d4.execute-api.localhost:4566"}))
    monkeypatch.setattr(Emulator, "running", lambda _: stub.running)
    monkeypatch.setattr(Emulator, "start", stub.step("start", emulator))
    monkeypatch.setattr(Emulator, "stop", stub.step("stop"))
    return stub


def paste(output: str, tmp_path: Path) -> str:
    """Run the indented lines of an output in a shell in which curl prints its arguments."""
    curl = tmp_path / "curl"
    curl.write_text(CURL)
    curl.chmod(0o755)
    lines = [line for line in output.splitlines() if line.startswith("  ")]
    lines.append("echo no_proxy=${no_proxy-}")
    return subprocess.run(  # noqa: S603
        ["/bin/sh", "-euc", "\n".join(lines)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    ).stdout


def test_printed_lines_can_be_pasted(stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service.up(None)

    assert paste(capsys.readouterr().out, tmp_path).splitlines() == [
        *["-X", "POST", f"{API}/sessions", "-d", '{"agent_name": "Claude", "context": "Project A"}'],
        f"{API}/agents?agent_name=Claude&context=Project%20A",
        "no_proxy=",
    ]
    assert (tmp_path / "url").read_text() == API
    assert stub.calls == ["check the port", "install", "build", "start", "deploy", "wait"]


def test_printed_lines_bypass_a_proxy(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "registry.example")

    service.up(None)

    pasted = paste(capsys.readouterr().out, tmp_path)
    assert pasted.splitlines()[-1] == "no_proxy=registry.example,localhost,127.0.0.1,::1"


@pytest.mark.parametrize("step", ["deploy", "wait"])
def test_failure_stops_the_emulator_that_was_started(stub: Stub, step: str, tmp_path: Path) -> None:
    stub.failing = step

    with pytest.raises(LocalError, match=step):
        service.up(None)

    assert stub.calls[-2:] == [step, "stop"]
    assert not (tmp_path / "url").exists()


def test_failed_update_leaves_the_running_service(stub: Stub, tmp_path: Path) -> None:
    stub.running = Emulator(pid=0, port=5000, folder=tmp_path)
    stub.failing = "deploy"

    with pytest.raises(LocalError, match="deploy"):
        service.up(None)

    assert stub.calls == ["install", "build", "deploy"]


@pytest.mark.parametrize("port", [None, 5000])
def test_running_service_is_updated(stub: Stub, port: int | None, tmp_path: Path) -> None:
    stub.running = Emulator(pid=0, port=5000, folder=tmp_path)

    service.up(port)

    assert stub.calls == ["install", "build", "deploy", "wait"]


def test_running_service_keeps_its_port(stub: Stub, tmp_path: Path) -> None:
    stub.running = Emulator(pid=0, port=5000, folder=tmp_path)

    with pytest.raises(LocalError, match=r"^the service already runs on port 5000; stop it first: make stop$"):
        service.up(4566)

    assert stub.calls == []


def test_lock_ends_with_make_local(stub: Stub) -> None:
    service.up(None)
    service.up(None)

    assert stub.calls.count("deploy") == 2


def test_temporary_service_is_stopped_at_the_end(stub: Stub, tmp_path: Path) -> None:
    with service.temporary(tmp_path / "other") as url:
        assert url == API
        assert stub.calls == ["build", "start", "deploy", "wait"]

    assert stub.calls[4:] == ["stop"]


def test_one_command_at_a_time_builds_the_checkout(stub: Stub, tmp_path: Path) -> None:
    with (
        service.temporary_emulator(tmp_path / "first"),
        pytest.raises(LocalError, match="another `make local` is running"),
        service.temporary_emulator(tmp_path / "second"),
    ):
        pass

    assert stub.calls == ["build", "start", "stop"]


SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_signal_ends_every_process_of_make_local(tmp_path: Path, number: signal.Signals) -> None:
    enable_socket()
    checkout = Checkout.make(tmp_path)
    checkout.install("sam", "ministack")
    pid = tmp_path / "sam.pid"
    # As in a build, the process that works is a child of sam.
    checkout.script(".envs/sam/bin/sam", f"{sys.executable} -c 'import signal; signal.pause()' & echo $! > {pid}; wait")
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tools.local", "up", "--port", str(free_port())],
        cwd=tmp_path,
        env=checkout.environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_default_signals,
    ) as process:
        wait_until(lambda: process.poll() is not None or (pid.exists() and pid.read_text().endswith("\n")))
        process.send_signal(number)
        _, said = process.communicate(timeout=HANG_SECONDS)

    assert (process.returncode, said) == (130, "make local: interrupted; everything that it started has been stopped\n")
    wait_until(lambda: not alive(int(pid.read_text())))


def _default_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has reaped does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")
