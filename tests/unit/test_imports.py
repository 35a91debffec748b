"""What an import loads, and what the package offers."""

import os
import subprocess
import sys

import pytest

import agent_sessions
from tools import ROOT

PACKAGE = ROOT / "layers/agent_sessions/agent_sessions"
DOMAIN = sorted(path.stem for path in (PACKAGE / "domain").glob("*.py") if path.stem != "__init__")

PUBLIC = {
    "Agent",
    "AgentService",
    "AgentSessionsError",
    "DatabaseError",
    "Ended",
    "FieldError",
    "InvalidSessionError",
    "NotFoundError",
    "Presence",
    "Session",
    "SessionPage",
    "SessionService",
    "Settings",
    "SettingsError",
    "SignedIn",
    "Tables",
    "ValidationError",
}


def run(source: str) -> list[str]:
    """Return the words that a new process prints."""
    environ = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run([sys.executable, "-c", source], env=environ, capture_output=True, text=True, check=True)  # noqa: S603
    return result.stdout.split()


def loaded_by(*modules: str) -> set[str]:
    """Return the modules that a new process has loaded after it imported these."""
    return set(run(f"import sys, {', '.join(modules)}; print(*sys.modules)"))


def test_package_alone_loads_none_of_its_modules_or_dependencies() -> None:
    loaded = loaded_by("agent_sessions")

    assert {name for name in loaded if name.startswith("agent_sessions.")} == set()
    assert loaded.isdisjoint({"asyncio", "aws_lambda_powertools", "botocore", "dataclasses", "pydantic", "urllib3"})


def test_domain_loads_no_dependency() -> None:
    loaded = loaded_by(*(f"agent_sessions.domain.{module}" for module in DOMAIN))

    assert {f"agent_sessions.domain.{module}" for module in DOMAIN} <= loaded
    assert loaded.isdisjoint({"aws_lambda_powertools", "boto3", "botocore", "pydantic", "urllib3"})


def test_validation_loads_no_pydantic() -> None:
    loaded = loaded_by(
        "agent_sessions.http.api", "agent_sessions.http.response_models", "agent_sessions.services.sessions"
    )

    assert "agent_sessions.http.api" in loaded
    assert loaded.isdisjoint({"pydantic", "pydantic_core"})


def test_public_names_are_pinned() -> None:
    assert set(agent_sessions.__all__) == PUBLIC


@pytest.mark.parametrize("name", agent_sessions.__all__)
def test_public_name_is_importable(name: str) -> None:
    assert getattr(agent_sessions, name).__name__ == name


def test_dir_lists_public_names_before_their_first_use() -> None:
    assert set(run("import agent_sessions; print(*dir(agent_sessions))")) >= PUBLIC


def test_unknown_name_is_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'agent_sessions' has no attribute 'Sessions'"):
        agent_sessions.Sessions  # noqa: B018


def test_only_dynamodb_writes_expressions() -> None:
    writing = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py") if "Expression" in path.read_text()}

    assert writing == {"dynamodb"}


@pytest.mark.parametrize("name", ["common", "helper", "main", "misc", "shared", "util"])
def test_no_file_has_a_vague_name(name: str) -> None:
    assert [path for path in PACKAGE.rglob("*") if path.stem.removesuffix("s") == name] == []
