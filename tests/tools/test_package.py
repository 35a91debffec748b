"""`pip install ./layers/agent_sessions` installs the package, without the network if the build backend is there."""

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from tools import ROOT

pytestmark = pytest.mark.slow

LAYER = ROOT / "layers/agent_sessions"
PROJECT = tomllib.loads((LAYER / "pyproject.toml").read_text())["project"]


def run(*command: str | Path) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd="/", env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a new environment that has the package and nothing else."""
    folder = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, LAYER)
    venv.create(folder / "venv")
    python = folder / "venv/bin/python"
    run(*pip, "--python", python, "install", "--no-index", "--no-deps", *folder.glob("*.whl"))
    return python


def test_installed_package_is_importable_and_typed(python: Path) -> None:
    source = """
import agent_sessions, importlib.resources
print(agent_sessions.__file__, agent_sessions.InvalidSessionError())
print(importlib.resources.files(agent_sessions).joinpath("py.typed").is_file())
"""
    site = python.parent.parent / "lib/python3.13/site-packages"

    assert run(python, "-c", source).splitlines() == [
        f"{site}/agent_sessions/__init__.py Invalid or expired session",
        "True",
    ]


def test_installed_package_has_every_module(python: Path) -> None:
    site = python.parent.parent / "lib/python3.13/site-packages"
    installed = {path.relative_to(site) for path in (site / "agent_sessions").rglob("*.py")}

    assert installed == {path.relative_to(LAYER) for path in (LAYER / "agent_sessions").rglob("*.py")}


def test_metadata_names_version_and_dependencies(python: Path) -> None:
    source = "import importlib.metadata as m; print(m.version('agent-sessions'), *m.requires('agent-sessions'))"

    assert run(python, "-c", source).split() == [PROJECT["version"], *PROJECT["dependencies"]]


def test_dependencies_are_those_of_the_layer() -> None:
    assert PROJECT["dependencies"] == (LAYER / "requirements.in").read_text().split()


@pytest.mark.parametrize("key", ["name", "version", "description", "requires-python", "license"])
def test_package_and_repository_agree(key: str) -> None:
    assert PROJECT[key] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][key]
