"""The import contracts in pyproject.toml fail on the imports that they forbid."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

pytestmark = pytest.mark.slow

# By contract: a module, and an import that breaks the contract there.
PLANTED = [
    ("layers", "agent_sessions/services/sessions.py", "import agent_sessions.http.caller"),
    ("layers", "agent_sessions/http/caller.py", "import agent_sessions.services.sessions"),
    ("layers", "agent_sessions/dynamodb/items.py", "import agent_sessions.services.presence"),
    ("layers", "agent_sessions/domain/models.py", "import agent_sessions.dynamodb.items"),
    ("layers", "agent_sessions/domain/models.py", "import agent_sessions.settings"),
    ("layers", "agent_sessions/errors.py", "import agent_sessions.domain.models"),
    ("tables", "agent_sessions/http/api.py", "import agent_sessions.dynamodb.items"),
    ("tables", "functions/sessions/app.py", "import agent_sessions.dynamodb.tables"),
    ("functions", "functions/sessions/app.py", "import functions.agents.app"),
    ("functions-down", "functions/sessions/app.py", "import agent_sessions.domain.tokens"),
    ("package", "agent_sessions/metrics.py", "import functions.sessions.app"),
    ("package", "agent_sessions/metrics.py", "import tests.support"),
    ("boto3", "agent_sessions/aws_clients.py", "import boto3"),
    ("domain", "agent_sessions/domain/models.py", "import botocore.session"),
    ("domain", "agent_sessions/domain/models.py", "import agent_sessions.clock"),
    ("environment", "agent_sessions/clock.py", "import os.path"),
    ("http-status", "agent_sessions/errors.py", "from http import HTTPStatus"),
    ("powertools", "agent_sessions/services/sessions.py", "from aws_lambda_powertools import Logger"),
    ("pydantic", "agent_sessions/http/response_models.py", "import pydantic"),
    ("botocore", "agent_sessions/services/activity_report.py", "from botocore.config import Config"),
    ("secrets", "agent_sessions/domain/identity.py", "import secrets"),
    ("unicode", "agent_sessions/domain/tokens.py", "import unicodedata"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with copies of the package, the functions and the contracts."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "layers/agent_sessions/agent_sessions", tmp_path / "agent_sessions", ignore=ignored)
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", *options]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)  # noqa: S603


def ruff(source: str, path: str) -> str:
    """Return the codes of what ruff finds in a source if it stands at this path of the project."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--no-cache", "--output-format=concise"]
    command += ["--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, check=False).stdout  # noqa: S603


def test_contracts_are_kept(copy: Path) -> None:
    result = lint_imports(copy)

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout
    assert result.returncode == 0


@pytest.mark.parametrize(("contract", "module", "statement"), PLANTED)
def test_planted_import_breaks_contract(copy: Path, contract: str, module: str, statement: str) -> None:
    path = copy / module
    path.write_text(f"{path.read_text()}\n{statement}\n")

    result = lint_imports(copy, "--contract", contract)

    assert "Contracts: 0 kept, 1 broken." in result.stdout
    assert result.returncode == 1


def test_unknown_module_breaks_layers(copy: Path) -> None:
    (copy / "agent_sessions/anything.py").touch()

    assert "Contracts: 0 kept, 1 broken." in lint_imports(copy, "--contract", "layers").stdout


def test_every_contract_is_shown_to_fail() -> None:
    assert {contract for contract, _, _ in PLANTED} == {contract["id"] for contract in CONTRACTS}


@pytest.mark.parametrize(
    ("use", "allowed"),
    [
        ("import time\ntime.time()", "clock"),
        ("from time import monotonic", "clock"),
        ("import datetime\ndatetime.datetime.now()", "clock"),
        ("import os\nos.environ", "settings"),
        ("import os\nos.getenv('HOME')", "settings"),
    ],
)
def test_ruff_allows_clock_and_environment_in_one_module_each(use: str, allowed: str) -> None:
    assert "TID251" in ruff(use, "layers/agent_sessions/agent_sessions/deadline.py")
    assert "TID251" in ruff(use, "functions/sessions/app.py")
    assert "TID251" not in ruff(use, f"layers/agent_sessions/agent_sessions/{allowed}.py")
