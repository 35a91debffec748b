"""A command that cannot run says why in one sentence, at once, before it installs anything."""

import fcntl
import re
import shutil
import socket
from pathlib import Path

import pytest
from pytest_socket import enable_socket

from tests.tools.checkout import Checkout, sentence
from tools import ROOT

pytestmark = pytest.mark.slow

NEED_PYTHON = ["local", "demo", "ps", "test", "deploy"]
NEED_JAVA = ["prove", "peers", "speed", "bench"]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.make(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["tests"], "did you mean `make test`? "),
        (["benchmarks"], "did you mean `make bench`? "),
        (["loacl"], "did you mean `make local`? "),
        (["check", "tests"], "did you mean `make test`? "),
        (["functions"], ""),
        (["x"], ""),
    ],
    ids=" ".join,
)
def test_unknown_command_is_named_with_a_similar_one(checkout: Checkout, arguments: list[str], suggestion: str) -> None:
    said = sentence(checkout.run(*arguments))

    assert said.endswith(f"There is no `make {arguments[-1]}`; {suggestion}`make help` lists the commands.  Stop.")


@pytest.mark.parametrize(("given", "near"), [("PROT=80", "PORT"), ("STACKS=x", "STACK"), ("QUIK=1", "QUICK")])
def test_unknown_variable_is_named_with_a_similar_one(checkout: Checkout, given: str, near: str) -> None:
    said = sentence(checkout.run("bench", given))

    assert said.endswith(f"There is no variable {given.partition('=')[0]}; did you mean {near}?.  Stop.")


@pytest.mark.parametrize("given", ["HYPOTHESIS_PROFILE=thorough", "PATH=/bin", "PORT=5000"])
def test_other_variable_is_accepted(checkout: Checkout, given: str) -> None:
    assert checkout.run("--dry-run", "demo", given).returncode == 0


@pytest.mark.parametrize("port", ["80", "abc", "-1", "65536", "٤٥٦٦"])
def test_impossible_port_is_refused(checkout: Checkout, port: str) -> None:
    assert (
        sentence(checkout.run("local", PORT=port))
        == f"make local: PORT must be a whole number from 1024 to 65535, not {port!r}"
    )
    assert checkout.is_clean


def test_port_in_use_is_refused(checkout: Checkout) -> None:
    enable_socket()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        said = sentence(checkout.run("local", PORT=str(port)))

    assert said.startswith(f"make local: port {port} is in use by another program; stop it, or choose another")
    assert checkout.is_clean


def test_second_make_local_is_refused(checkout: Checkout) -> None:
    (checkout.folder / ".local").mkdir()
    with (checkout.folder / ".local/up.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        said = sentence(checkout.run("local"))

    assert said == "make local: another `make local` is running in this checkout; wait until it has ended"
    assert checkout.is_clean


@pytest.mark.parametrize("command", ["authorizer", "demo", "dashboard", "ps"])
def test_command_without_the_local_service_is_refused(checkout: Checkout, command: str) -> None:
    said = sentence(checkout.run(command))

    assert said == f"make {command}: the local service is not running; start it first: make local"
    assert checkout.is_clean


def test_stop_without_the_local_service_succeeds(checkout: Checkout) -> None:
    done = checkout.run("stop")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Nothing to stop: the local service is not running.\n"


def test_invoke_without_docker_is_refused(checkout: Checkout) -> None:
    assert "there is no docker command; install Docker" in sentence(checkout.run("invoke"))
    assert checkout.is_clean


@pytest.mark.parametrize("command", NEED_JAVA)
def test_command_without_java_is_refused(checkout: Checkout, command: str) -> None:
    said = sentence(checkout.run(command))

    assert said == (f"make {command} needs DynamoDB Local: install Java 17 or newer, and Maven, which downloads it")
    assert checkout.is_clean


def test_missing_part_is_refused(checkout: Checkout) -> None:
    for program in ("java", "mvn"):
        checkout.script(f"bin/{program}", "exit 0")

    said = sentence(checkout.run("prove", "PART=Makefile tests/dynamodb/test_none.py::test_x"))

    assert said == "make prove: there is no tests/dynamodb/test_none.py::test_x"
    assert checkout.is_clean


@pytest.mark.parametrize("minutes", ["abc", "1e9", "-1", "1441", "5 6"])
def test_impossible_minutes_are_refused(checkout: Checkout, minutes: str) -> None:
    said = sentence(checkout.run("demo", f"MINUTES={minutes}"))

    assert said == f"make demo: MINUTES must be a number from 0 to 1440, not {minutes!r}"


@pytest.mark.parametrize("command", NEED_PYTHON)
@pytest.mark.parametrize("python", ["python3.13", "/bin/false"], ids=["missing", "unfit"])
def test_command_without_python_is_refused(checkout: Checkout, command: str, python: str) -> None:
    said = sentence(checkout.run(command, PYTHON=python))

    assert said == (f"Python 3.13 is missing: install it, or give its path: make {command} PYTHON=/path/to/python3.13")
    assert checkout.is_clean


def test_help_describes_every_command(checkout: Checkout) -> None:
    (checkout.folder / "bin/awk").symlink_to(shutil.which("awk") or "awk")
    commands = re.findall(r"^COMMANDS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()

    lines = checkout.run().stdout.splitlines()

    assert sorted(line.split()[:2] for line in lines) == sorted(["make", command] for command in commands)
    assert all(len(line) <= 100 for line in lines), "it fits into a terminal"
