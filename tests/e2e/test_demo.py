"""`make demo` against the deployed service."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Api
from tools import ROOT
from tools.local.emulator import Emulator

TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")  # ids have a hyphen after eight characters
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def folder(api: Api, emulator: Emulator) -> Path:
    """A folder in which the demo finds the emulator and the URL, as `make local` leaves them."""
    (emulator.folder / "url").write_text(api.url)
    return emulator.folder


@pytest.fixture(scope="module")
def done(api: Api, emulator: Emulator) -> subprocess.CompletedProcess[str]:
    """A whole demo."""
    (emulator.folder / "url").write_text(api.url)
    return demo(emulator.folder)


def demo(folder: Path, minutes: str = "0.05") -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-m", "tools.demo", "--folder", folder, f"--minutes={minutes}"]
    environ = os.environ | {"PYTHONPATH": f".{os.pathsep}clients/python/src"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603


def test_demo_leaves_its_agents_signed_in(api: Api, done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stderr) == (0, "")
    final = re.search(r"^6 agents are signed in, with (\d+) sessions;", done.stdout, re.MULTILINE)
    assert final
    assert int(final[1]) >= 6
    (agent,) = api.request("list_agents", query="?agent_name=Gemini&context=Release%20notes").body["agents"]
    assert agent["online"] is True


def test_demo_prints_no_token(done: subprocess.CompletedProcess[str]) -> None:
    output = UUID.sub("", done.stdout)

    assert "session_token" in output
    assert not TOKEN.findall(output)


def test_demo_without_service_exits_with_one_sentence(tmp_path: Path) -> None:
    done = demo(tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "make demo: the local service is not running; start it first: make local\n"


def test_demo_without_response_exits_with_one_sentence(folder: Path) -> None:
    (folder / "url").write_text("http://127.0.0.1:9")

    done = demo(folder)

    assert done.returncode == 1
    assert done.stderr.startswith("make demo: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("minutes", ["ten", "-1", "1e3", "nan", "1441", ""])
def test_demo_with_bad_minutes_exits_with_one_sentence(tmp_path: Path, minutes: str) -> None:
    done = demo(tmp_path, minutes)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"make demo: MINUTES must be a number from 0 to 1440, not {minutes!r}\n"
