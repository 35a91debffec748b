"""`make audit`: what passes, what fails, and what says that nothing was audited."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools import ROOT, audit

CLEAN: dict[str, Any] = {"name": "six", "version": "1.17.0", "vulns": []}
VULNERABLE: dict[str, Any] = {
    "name": "urllib3",
    "version": "2.2.1",
    "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["2.2.2"], "aliases": [], "description": ""}],
}
UNKNOWN: dict[str, Any] = {"name": "mine", "skip_reason": "Dependency not found on PyPI"}


def test_dependencies_without_vulnerabilities_pass() -> None:
    assert audit.judge("dev.txt", [CLEAN]) == (True, "dev.txt: 1 dependencies, no known vulnerability")


def test_vulnerability_fails_and_names_the_fixed_version() -> None:
    passed, sentence = audit.judge("dev.txt", [CLEAN, VULNERABLE])

    assert not passed
    assert "urllib3 2.2.1: PYSEC-2024-1, fixed in 2.2.2" in sentence


def test_one_unknown_dependency_fails() -> None:
    passed, sentence = audit.judge("dev.txt", [CLEAN, UNKNOWN])

    assert not passed
    assert "mine: unknown" in sentence


@pytest.mark.parametrize("found", [None, [UNKNOWN, UNKNOWN]], ids=["unreachable", "no advisories"])
def test_audit_that_could_not_ask_says_so_and_passes(found: list[dict[str, Any]] | None) -> None:
    passed, sentence = audit.judge("dev.txt", found)

    assert passed
    assert "SKIPPED" in sentence
    assert "Nothing was audited" in sentence


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("requests.exceptions.ConnectionError: Max retries exceeded", None),
        ("ERROR:pip_audit._cli:invalid requirement", audit.AuditError),
    ],
)
def test_only_a_connection_failure_is_unreachable(monkeypatch: pytest.MonkeyPatch, stderr: str, expected: Any) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", stderr))

    if expected is None:
        assert audit.run(Path("x")) is None
    else:
        with pytest.raises(expected, match="invalid requirement"):
            audit.run(Path("x"))


def test_every_file_of_pinned_requirements_is_audited() -> None:
    pinned = {path for folder in ("layers", "requirements") for path in (ROOT / folder).rglob("requirements.txt")}

    assert set(audit.requirements()) == pinned | set((ROOT / "requirements").glob("*.txt"))
