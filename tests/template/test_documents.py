"""Links, commands and attribute tables of the documents, against the files, the Makefile and the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_sessions.audit import AuditAction, AuditReason
from agent_sessions.domain import identity
from agent_sessions.domain.avatar import avatar_seed
from agent_sessions.domain.models import Session, StopRequest
from agent_sessions.dynamodb.agents_table import SIGN_IN
from agent_sessions.dynamodb.items import session_item
from tools import ROOT
from tools.cloudformation import DOMAIN, MONITORING, TEMPLATE

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    return set(map(anchor, re.findall(r"^#+ (.+)$", FENCED.sub("", document.read_text()), re.MULTILINE)))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_lead_to_files_and_headings(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", document.read_text()))

    broken = []
    for link in links:
        path, _, fragment = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_commands_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = document.read_text()
    commands = re.findall(r"`make ([a-z-]+)", text)
    for block in FENCED.findall(text):
        commands += re.findall(r"^(?:\$ )?make ([a-z-]+)", block, re.MULTILINE)

    assert set(commands) <= targets


def agents_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each agent and session in a JSON value."""
    if isinstance(value, dict) and {"agent_id", "owner", "identity_key"} <= set(value):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from agents_in(each)


def test_examples_have_the_ids_that_the_service_computes() -> None:
    blocks = [json.loads((ROOT / "docs/openapi.json").read_text())]
    for document in DOCUMENTS:
        blocks += map(json.loads, re.findall(r"^```json\n(.*?)^```$", document.read_text(), re.DOTALL | re.MULTILINE))
    shown = [each for block in blocks for each in agents_in(block) if isinstance(each["agent_id"], str)]

    assert len(shown) > 5
    for each in shown:
        key = identity.identity_key(each["agent_name"], each["context"])
        computed = {"agent_id": identity.agent_id(each["owner"], key), "identity_key": key}
        computed |= {"avatar_seed": avatar_seed(key)}
        assert {name: each[name] for name in computed} == computed


def attributes(heading: str) -> set[str]:
    """Return the first column of the table under a heading of the data model."""
    section = (ROOT / "docs/data-model.md").read_text().split(f"\n### {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_data_model_lists_every_attribute_of_an_agent() -> None:
    assignments = re.findall(r"#?(\w+) = ", SIGN_IN) + re.findall(r"ADD (\w+)", SIGN_IN) + ["blocked"]

    assert attributes("Attributes of an agent") == {"agent_id", *assignments}


def test_data_model_lists_every_attribute_of_a_session() -> None:
    session = Session(
        agent_id="agent",
        session_id="session",
        owner="public",
        agent_name="Claude",
        context="Project A",
        created_at=0,
        last_active=0,
        expires_at=1,
        ends_at=1,
        idle_seconds=1,
        sign_in_number=1,
        incarnation="session",
        exclusive=True,
        metadata={"model": "claude"},
        state="working",
        activity="reading",
        progress_at=0,
        stop_requested=StopRequest("reason", 0),
    )

    assert attributes("Attributes of a session") == set(session_item(session))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_pytest_commands_name_existing_tests(document: Path) -> None:
    commands = re.findall(r"pytest ((?:tests/\S+ ?)+)(?:-k (\w+))?`", document.read_text())

    for paths, keyword in commands:
        files = [ROOT / path for path in paths.split()]
        assert all(file.exists() for file in files), paths
        assert not keyword or any(re.search(rf"def test_\w*{keyword}", file.read_text()) for file in files), keyword


def test_every_decision_is_in_the_index_by_topic() -> None:
    index, _, entries = (ROOT / "docs/decisions.md").read_text().partition("\n## ")
    titles = re.findall(r"^(?:## )?(\d{4}-\d\d-\d\d · .+)$", entries, re.MULTILINE)
    indexed = re.findall(r"^- \[.+\]\(#(.+)\)$", index, re.MULTILINE)

    assert sorted(indexed) == sorted(anchor(title) for title in titles)


def test_audit_log_lists_every_action_and_reason() -> None:
    tables = (ROOT / "docs/audit.md").read_text().partition("| action | written when |")[2]

    assert re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE) == [*AuditAction, *AuditReason]


def test_deployer_document_names_every_service_of_the_stacks() -> None:
    (sentence,) = re.findall(r"resources of these services: ([\w,\s]+)\.", (ROOT / "docs/deploying.md").read_text())
    kinds = {each["Type"] for template in (TEMPLATE, MONITORING, DOMAIN) for each in template["Resources"].values()}
    used = {kind.split("::")[1] for kind in kinds} - {"Serverless"}

    # SAM makes functions, layers and deployments of serverless resources, and uploads to S3.
    assert set(re.split(r",\s+", sentence)) == used | {"CloudFormation", "CodeDeploy", "Lambda", "S3"}
