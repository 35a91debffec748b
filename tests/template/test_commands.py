"""The commands of the documents: each `aws` command exists, with its options, and each block is valid shell."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tools import ROOT

DOCUMENTS = sorted(ROOT.glob("docs/*.md"))
# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html
GLOBAL_OPTIONS = {"output", "query", "region", "profile", "cli-binary-format", "no-cli-pager", "endpoint-url"}
# Commands that the CLI adds to those of the services, and options that it adds to theirs.
CUSTOM = {
    ("cloudformation", "deploy"): {"template-file", "stack-name", "capabilities", "parameter-overrides"},
    ("logs", "tail"): {"since", "filter-pattern", "follow"},
}
# Commands about the CLI itself.
OWN = {"configure", "sso"}
PAGING = {"max-items", "page-size", "starting-token"}
BLOCKS = [
    (document.name, block)
    for document in DOCUMENTS
    for block in re.findall(r"^ *```(?:bash|sh)\n(.*?)^ *```", document.read_text(), re.DOTALL | re.MULTILINE)
]


# The CLI's names of services that botocore calls otherwise.
RENAMED = {"deploy": "codedeploy"}


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(RENAMED.get(service, service))


def operations(service: str) -> dict[str, Any]:
    names = model(service).operation_names
    return {xform_name(name, "-"): model(service).operation_model(name) for name in names}


def commands(document: Path) -> set[tuple[str, str, frozenset[str]]]:
    """Return service, command and options of each `aws` command in code."""
    text = document.read_text()
    code = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    found = set()
    for each in code:
        joined = re.sub(r"\\\n\s*", " ", each)
        for service, command, rest in re.findall(
            r"\baws ([a-z0-9-]+) ([a-z0-9-]+)((?:(?!\baws [a-z]|\n(?! *--)).)*)", joined, re.DOTALL
        ):
            found.add((service, command, frozenset(re.findall(r"(?<=\s)--([a-z-]+)", rest))))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_aws_commands_and_their_options_exist(document: Path) -> None:
    wrong = []
    for service, command, options in commands(document):
        if service in OWN:
            continue
        given = options - GLOBAL_OPTIONS
        if (service, command) in CUSTOM:
            wrong += [(service, command, each) for each in given - CUSTOM[service, command]]
            continue
        if command == "wait":
            continue
        operation = operations(service).get(command)
        if operation is None:
            wrong.append((service, command, ""))
            continue
        members = operation.input_shape.members if operation.input_shape else {}
        known = {xform_name(name, "-") for name in members} | PAGING
        known |= {f"no-{xform_name(name, '-')}" for name, shape in members.items() if shape.type_name == "boolean"}
        wrong += [(service, command, each) for each in given - known]
    assert not wrong


def test_documents_contain_commands() -> None:
    assert {"dynamodb", "lambda", "iam", "sqs", "events"} <= {
        service for document in DOCUMENTS for service, _, _ in commands(document)
    }


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[f"{name}-{number}" for number, (name, _) in enumerate(BLOCKS)])
def test_blocks_are_valid_shell(name: str, block: str) -> None:
    shell = shutil.which("bash")
    assert shell

    done = subprocess.run([shell, "-n"], input=block, capture_output=True, text=True, check=False)  # noqa: S603

    assert (done.returncode, done.stderr) == (0, "")
