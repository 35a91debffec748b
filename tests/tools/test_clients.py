"""`make clients`: what it reports, and that every walk takes every step."""

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pytest_socket import enable_socket

from tests.support.timeouts import HANG_SECONDS
from tools.clients import client as module
from tools.clients.__main__ import table
from tools.clients.catalog import CLIENTS
from tools.clients.client import DRIVERS, STEPS, Client, Result, Tool, run
from tools.clients.stand_in import stand_in
from tools.openapi import examples

PRINTS_ALL = f"print({chr(10).join(STEPS)!r})"


def made(walk: str, *commands: tuple[str, ...], tools: tuple[Tool, ...] = ()) -> Client:
    """Return a client whose walk is a line of Python."""
    return Client(name="made up", version="1", commands=commands, walk=(sys.executable, "-c", walk), tools=tools)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty driver for the client that is made up, and the folder of its build."""
    (tmp_path / "drivers/made-up").mkdir(parents=True)
    monkeypatch.setattr(module, "DRIVERS", tmp_path / "drivers")
    return tmp_path / "build"


def test_every_driver_belongs_to_a_client() -> None:
    assert sorted(client.driver.name for client in CLIENTS) == sorted(
        path.name for path in DRIVERS.iterdir() if path.is_dir()
    )


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.driver.name)
def test_every_walk_takes_every_step_in_order(client: Client) -> None:
    (program,) = client.driver.glob("walk.*")
    named = re.findall(r"passed\([\"']([^\"']+)[\"']", program.read_text())

    assert list(dict.fromkeys(named)) == list(STEPS)


def test_a_walk_that_passes_every_step_is_good(folder: Path) -> None:
    result = run(made(PRINTS_ALL), folder, {})

    assert (result.steps, result.is_good) == (STEPS, True)


@pytest.mark.parametrize(
    ("walk", "reason"),
    [
        ("print('sign in')", ""),
        (f"{PRINTS_ALL}; raise SystemExit('it broke')", "it broke"),
    ],
    ids=["steps are missing", "it fails after them"],
)
def test_any_other_walk_is_a_failure(folder: Path, walk: str, reason: str) -> None:
    result = run(made(walk), folder, {})

    assert not result.is_good
    assert reason in result.failure


def test_a_generator_that_fails_is_a_failure_with_its_output(folder: Path) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('cannot read the document')")

    result = run(made(PRINTS_ALL, broken), folder, {})

    assert (result.steps, result.is_good) == ((), False)
    assert "cannot read the document" in result.failure


@pytest.mark.parametrize("test", [("/nowhere/go", "version"), (sys.executable, "-c", "raise SystemExit(1)")])
def test_a_missing_tool_is_named_with_what_to_do(folder: Path, test: tuple[str, ...]) -> None:
    result = run(made(PRINTS_ALL, tools=(Tool("Go", "install Go 1.23 or later", test),)), folder, {})

    assert (result.missing, result.is_good) == ("Go is missing: install Go 1.23 or later", True)
    assert not folder.exists()


def test_what_is_left_of_an_earlier_build_is_deleted(folder: Path) -> None:
    folder.mkdir()
    (folder / "stale.py").touch()

    run(made(PRINTS_ALL), folder, {})

    assert not (folder / "stale.py").exists()


def test_the_table_shows_each_step_of_each_client() -> None:
    client = made(PRINTS_ALL)
    rows = table([Result(client, STEPS), Result(client, STEPS[:1]), Result(client, missing="Go is missing")])

    assert [row.count("✓") for row in rows.splitlines()] == [0, 0, len(STEPS), 1, 0]
    assert [row.count("✗") for row in rows.splitlines()] == [0, 0, 0, len(STEPS) - 1, 0]


def test_the_stand_in_rejects_callers_as_the_gateway_does() -> None:
    enable_socket()
    with stand_in() as url, pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{url}/agents", timeout=HANG_SECONDS)  # noqa: S310  this machine

    with caught.value as error:
        assert (error.code, json.loads(error.read())) == (403, {"message": "Forbidden"})


def test_the_stand_in_returns_a_session_with_a_new_field() -> None:
    enable_socket()
    with stand_in() as url, urllib.request.urlopen(f"{url}/sessions/current", timeout=HANG_SECONDS) as response:  # noqa: S310
        session = json.loads(response.read())

    assert session["session_id"] == examples.SESSION.session_id
    assert "added_later" in session
