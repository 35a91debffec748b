"""Arrows point one way, and each thing is known in one place."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import ROOT

PACKAGE = ROOT / "layers/agent_sessions/agent_sessions"
MODULES = {path.stem: path for path in PACKAGE.glob("*.py") if path.stem != "__init__"}

# A module may import those of earlier lines, and of its own line.
LAYERS = [
    {"clock", "errors", "settings", "metrics", "aws", "snapshot"},
    {"identity", "deadline"},
    {"tokens", "models"},
    {"items", "cache", "database"},
    {"store"},
    {"last_seen", "report"},
    {"service", "agents"},
    {"problems", "representations", "caller", "body", "inputs"},
    {"http"},
]


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def those_that_import(name: str) -> set[str]:
    return {
        module
        for module, path in MODULES.items()
        if any(each == name or each.startswith(f"{name}.") for each in imported(path))
    }


def test_every_module_has_its_layer() -> None:
    assert set(MODULES) == set().union(*LAYERS)


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_down(module: str) -> None:
    level = next(number for number, layer in enumerate(LAYERS) if module in layer)
    allowed = set().union(*LAYERS[: level + 1])
    names = {name.split(".")[1] for name in imported(MODULES[module]) if name.startswith("agent_sessions.")}

    assert names <= allowed


@pytest.mark.parametrize(
    ("name", "knowing"),
    [
        ("os", {"settings"}),
        ("http", {"problems", "http"}),
        ("aws_lambda_powertools", {"http"}),
        ("pydantic", {"inputs"}),
        ("botocore", {"aws", "database", "store"}),
        ("secrets", {"tokens"}),
        ("unicodedata", {"identity"}),
    ],
)
def test_what_is_known_in_one_place_is_known_nowhere_else(name: str, knowing: set[str]) -> None:
    assert those_that_import(name) == knowing


def test_only_the_clock_knows_the_time() -> None:
    asking = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and (ast.unparse(node) in ("time.time", "time.monotonic", "datetime.now"))
    }

    assert asking == {"clock"}


def test_only_the_store_knows_expressions() -> None:
    assert {module for module, path in MODULES.items() if "Expression=" in path.read_text()} == {"store"}


def test_a_validation_imports_no_pydantic() -> None:
    source = (
        "import sys, agent_sessions, agent_sessions.http.api, agent_sessions.http.response_models;"
        "sys.exit('pydantic' in sys.modules)"
    )
    environ = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}

    assert subprocess.run([sys.executable, "-c", source], env=environ, check=False).returncode == 0  # noqa: S603


@pytest.mark.parametrize("name", ["shared", "utils", "main", "helpers", "common", "misc"])
def test_no_file_has_a_name_that_says_nothing(name: str) -> None:
    assert not list(PACKAGE.rglob(f"{name}*"))
