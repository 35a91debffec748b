"""A deployment keeps agents and sessions, forwards and backwards."""

import json
import tarfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Api
from tools import ROOT
from tools.cloudformation import PARAMETERS, RESOURCES, TEMPLATE
from tools.local import stack
from tools.local.emulator import Emulator

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Path:
    """A checkout of the previous version, built.

    It is an archive, because CI clones without history. After a release:
    git archive --format=tar.gz -o tests/data/previous.tar.gz <tag> template.yaml samconfig.toml functions layers
    """
    source = tmp_path_factory.mktemp("previous")
    with tarfile.open(ROOT / "tests/data/previous.tar.gz") as archive:
        archive.extractall(source, filter="data")
    stack.build(emulator.folder / "sam.log", source=source)
    return source


def test_agent_survives_upgrade_and_rollback(deploy: Callable[..., Api], previous: Path) -> None:
    # The document describes this version only, so the responses of the previous one are not checked against it.
    before = deploy("upgraded", source=previous)
    # The responses of 0.1 are not those of the document.
    old = before.call("POST", "/sessions", {"agent_name": "Claude", "context": "Project A"}).body

    upgraded = deploy("upgraded")

    assert upgraded.url == before.url
    assert upgraded.validate(old["session_token"]).status == 401
    assert upgraded.agent(old["agent_id"]).body["active_sessions"] == 0
    new = upgraded.sign_in("claude", context="project a").body
    assert (new["agent_id"], new["reused"]) == (old["agent_id"], True)
    assert new["created_at"] >= old["created_at"]
    assert upgraded.found("agent_name=Claude&context=Project%20A")["created_at"] == old["created_at"]
    assert [each["session_id"] for each in upgraded.sessions(old["agent_id"]).body["sessions"]] == [new["session_id"]]


def test_changed_parameter_takes_effect(deploy: Callable[..., Api]) -> None:
    # Callers reach a published version, which keeps the settings with which it was published.
    for seconds in (600, 1200):
        api = deploy("changed", IdleTimeoutSeconds=str(seconds), TouchIntervalSeconds="60")
        session = api.sign_in("Claude").body
        duration = datetime.fromisoformat(session["expires_at"]) - datetime.fromisoformat(session["created_at"])
        assert duration == timedelta(seconds=seconds + 60)


@pytest.mark.parametrize("kept", [True, False])
def test_tables_outlive_their_stack_only_with_keep_data(
    aws: Callable[[str], Any], dynamodb: "DynamoDBClient", kept: bool
) -> None:
    stack_name = "kept" if kept else "dropped"
    tables = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::DynamoDB::Table"}
    template = {
        "Parameters": {name: PARAMETERS[name] for name in ("KeepData", "LifecycleEvents")},
        "Conditions": {name: TEMPLATE["Conditions"][name] for name in ("KeepTables", "PublishEvents")},
        "Resources": tables,
        "Outputs": {table: {"Value": {"Ref": table}} for table in tables},
    }
    parameter: Any = {"ParameterKey": "KeepData", "ParameterValue": str(kept).lower()}
    cloudformation = aws("cloudformation")

    cloudformation.create_stack(StackName=stack_name, TemplateBody=json.dumps(template), Parameters=[parameter])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_name, WaiterConfig={"Delay": 1})
    (made,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    names = {output["OutputValue"] for output in made["Outputs"]}
    if kept:
        for name in names:
            with pytest.raises(ClientError, match="protected against deletion"):
                dynamodb.delete_table(TableName=name)
    cloudformation.delete_stack(StackName=stack_name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=made["StackId"], WaiterConfig={"Delay": 1})

    assert names & set(dynamodb.list_tables()["TableNames"]) == (names if kept else set())
