"""Builds and deployments of one checkout, with a small program in place of SAM CLI."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.local import LocalError, stack

TAKES_A_MOMENT = """#!/bin/sh
echo "$1 begins" >>calls
sleep 0.2
echo "$1 ends" >>calls
"""
FAILS = """#!/bin/sh
echo "Error: Template file not found" >&2
exit 1
"""


@pytest.fixture
def sam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program that replaces SAM CLI."""
    program = tmp_path / "sam"
    monkeypatch.setattr(stack, "SAM", program)
    return program


def write(program: Path, text: str) -> None:
    program.write_text(text)
    program.chmod(0o755)


def test_builds_of_one_checkout_wait_for_each_other(sam: Path, tmp_path: Path) -> None:
    write(sam, TAKES_A_MOMENT)

    with ThreadPoolExecutor() as threads:
        for name in ("one", "two"):
            threads.submit(stack.build, tmp_path / f"{name}.log", source=tmp_path)

    assert (tmp_path / "calls").read_text().splitlines() == ["build begins", "build ends"] * 2


def test_failed_build_gives_its_reason_and_lets_the_next_one_begin(sam: Path, tmp_path: Path) -> None:
    write(sam, FAILS)

    for _ in range(2):
        with pytest.raises(LocalError, match=r"sam build failed: Error: Template file not found"):
            stack.build(tmp_path / "sam.log", source=tmp_path)
