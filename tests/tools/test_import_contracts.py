"""The import contracts in pyproject.toml fail on the imports that they forbid."""

import os
import re
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
    ("layers", "agent_sessions/http/caller.py", "import agent_sessions.mcp.protocol"),
    ("mcp-down", "agent_sessions/mcp/protocol.py", "import agent_sessions.settings"),
    ("mcp-down", "agent_sessions/mcp/actions.py", "import agent_sessions.domain.tokens"),
    ("package", "agent_sessions/metrics.py", "import functions.sessions.app"),
    ("package", "agent_sessions/metrics.py", "import tests.support"),
    ("client", "agent_sessions_client/models.py", "import agent_sessions.domain.models"),
    ("client-layers", "agent_sessions_client/exchange.py", "import agent_sessions_client.driver"),
    ("boto3", "agent_sessions/aws_clients.py", "import boto3"),
    ("domain", "agent_sessions/domain/models.py", "import botocore.session"),
    ("domain", "agent_sessions/domain/models.py", "import agent_sessions.clock"),
    ("environment", "agent_sessions/clock.py", "import os.path"),
    ("http-status", "agent_sessions/errors.py", "from http import HTTPStatus"),
    ("powertools", "agent_sessions/services/sessions.py", "from aws_lambda_powertools import Logger"),
    ("pydantic", "agent_sessions/http/response_models.py", "import pydantic"),
    ("pydantic", "agent_sessions/mcp/protocol.py", "import pydantic"),
    ("botocore", "agent_sessions/services/activity_report.py", "from botocore.config import Config"),
    ("botocore", "agent_sessions/dynamodb/connect.py", "import botocore.session"),
    ("secrets", "agent_sessions/domain/identity.py", "import secrets"),
    ("unicode", "agent_sessions/domain/tokens.py", "import unicodedata"),
]


# Where each package of the contracts stands.
PACKAGES = {
    "agent_sessions": ROOT / "layers/agent_sessions/agent_sessions",
    "agent_sessions_client": ROOT / "clients/python/src/agent_sessions_client",
    "functions": ROOT / "functions",
}


def copy_to(folder: Path) -> Path:
    """Copy the packages and the contracts to a folder, and return it."""
    for name, source in PACKAGES.items():
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint_imports(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ["COLUMNS"] = "1000"  # no line of the report is wrapped
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", *options]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)  # noqa: S603


def ruff(source: str, path: str) -> str:
    """Return the codes of what ruff finds in a source if it stands at this path of the project."""
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--no-cache", "--output-format=concise"]
    command += ["--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, check=False).stdout  # noqa: S603


def test_contracts_are_kept(tmp_path: Path) -> None:
    result = lint_imports(copy_to(tmp_path))

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout
    assert result.returncode == 0


@pytest.fixture(scope="module")
def broken_contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what the report on a copy with all planted imports lists for each contract."""
    folder = copy_to(tmp_path_factory.mktemp("planted"))
    for _, module, statement in PLANTED:
        with (folder / module).open("a") as source:
            source.write(f"{statement}  # planted\n")
    result = lint_imports(folder)
    assert f"Contracts: 0 kept, {len(CONTRACTS)} broken." in result.stdout
    assert result.returncode == 1
    names = [re.escape(contract["name"]) for contract in CONTRACTS]
    sections = re.split(rf"^({'|'.join(names)})$", result.stdout, flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@pytest.mark.parametrize(("contract", "module", "statement"), PLANTED)
def test_planted_import_breaks_contract(
    broken_contracts: dict[str, str], contract: str, module: str, statement: str
) -> None:
    name = next(each["name"] for each in CONTRACTS if each["id"] == contract)
    # The plants of a module stand at its end, in their order.
    package, _, path = module.partition("/")
    plants = [planted for _, each, planted in PLANTED if each == module]
    lines = (PACKAGES[package] / path).read_text().count("\n")
    line = lines + plants.index(statement) + 1
    importer = module.removesuffix(".py").replace("/", ".")

    assert re.search(rf"-\s+{importer} -> \S+ \(l\.{line}\)", broken_contracts[name])


def test_unknown_module_breaks_layers(tmp_path: Path) -> None:
    (copy_to(tmp_path) / "agent_sessions/anything.py").touch()

    assert "Contracts: 0 kept, 1 broken." in lint_imports(tmp_path, "--contract", "layers").stdout


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
