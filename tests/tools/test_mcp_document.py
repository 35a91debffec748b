"""docs/mcp.md: its tables derive from the code, and what it shows can be pasted."""

import ast
import json
import re

import pytest

from agent_sessions.mcp.tools import TOOLS
from tools import ROOT
from tools.mcp import programs
from tools.mcp.conformance import INAPPLICABLE, SCENARIOS, unknown_scenarios
from tools.mcp.document import with_tables

DOCUMENT = (ROOT / "docs/mcp.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def test_tables_are_up_to_date() -> None:
    assert with_tables(DOCUMENT) == DOCUMENT, "run `make openapi`"
    assert all(f"| `{name}` |" in DOCUMENT for name in TOOLS)


def test_document_without_the_comments_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"docs/mcp.md has no <!-- tools"):
        with_tables("# MCP")


@pytest.mark.parametrize("block", blocks("json"))
def test_configuration_is_json(block: str) -> None:
    (servers,) = (value for name, value in json.loads(block).items() if "ervers" in name)

    assert set(servers) == {"agent-sessions"}


@pytest.mark.parametrize("block", blocks("python"))
def test_program_is_python(block: str) -> None:
    ast.parse(block)


def test_document_names_the_versions_that_the_locks_pin() -> None:
    assert f"inspector@{programs.NODE_VERSIONS['@modelcontextprotocol/inspector']} " in DOCUMENT
    lock = (ROOT / "requirements/mcp-proxy.txt").read_text()
    (proxy,) = re.findall(r"^mcp-proxy-for-aws==(\S+)", lock, re.MULTILINE)
    assert set(re.findall(r"mcp-proxy-for-aws@([\d.]+)", DOCUMENT)) == {proxy}


def test_scenario_in_neither_table_is_reported() -> None:
    listed = "Server scenarios:\n  - ping [2025-11-25]\n  - tools-call-image [2025-11-25]\n  - new-one [2026-07-28]\n"

    assert unknown_scenarios(listed) == ["new-one"]
    assert unknown_scenarios("no list") == [""]


def test_no_applicable_scenario_is_also_inapplicable() -> None:
    exact = {name for name in INAPPLICABLE if not name.endswith("-")}

    assert not exact & set(SCENARIOS)
