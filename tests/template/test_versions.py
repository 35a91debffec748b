"""Every change of a function publishes a version; GradualDeployment moves requests to it."""

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tools import ROOT
from tools.cloudformation import PARAMETERS, RESOURCES, TEMPLATE, resources, whole_number_bounds

API_FUNCTIONS = ("SessionsFunction", "AgentsFunction")
FUNCTIONS = (*API_FUNCTIONS, "AuthorizerFunction")
TABLES = sorted(resources("AWS::DynamoDB::Table"))
pytestmark = pytest.mark.slow  # each transformation is a process of SAM's environment

# SAM's own translator, the same that CloudFormation runs. It expects the code to be in S3.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class NoManagedPolicies:
    def load(self):
        return {}

request = json.load(sys.stdin)
template = yaml_parse(request["template"])
for name, key in request["sources"].items():
    properties = template["Resources"][name]["Properties"]
    properties["ContentUri" if "ContentUri" in properties else "CodeUri"] = f"s3://bucket/{key}"
json.dump(transform(template, request["parameters"], NoManagedPolicies())["Resources"], sys.stdout)
"""
SOURCES = {name: name for name in ("AgentSessionsLayer", *resources("AWS::Serverless::Function"))}


def translated(sources: dict[str, str] | None = None, **parameters: str) -> dict[str, Any]:
    """Return the resources of the template after the SAM transform."""
    request = {
        "template": (ROOT / "template.yaml").read_text(),
        "sources": SOURCES | (sources or {}),
        "parameters": {name: str(each["Default"]) for name, each in PARAMETERS.items()} | parameters,
    }
    python = ROOT / ".envs/sam/bin/python"
    environ = {"AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(  # noqa: S603
        [python, "-c", TRANSLATE], input=json.dumps(request), env=environ, capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def of_type(transformed: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in transformed.items() if each["Type"] == kind}


def versions(transformed: dict[str, Any]) -> set[str]:
    return set(of_type(transformed, "AWS::Lambda::Version"))


def references(node: Any) -> set[str]:
    """Return every logical id and parameter that a node refers to."""
    match node:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return placeholders(text)
        case {"Fn::Sub": [str(text), dict(variables)]}:
            used = placeholders(text)
            return used - set(variables) | references([variables[name] for name in used & set(variables)])
        case dict():
            return references(list(node.values()))
        case list():
            return set().union(*map(references, node))
    return set()


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\$\{([\w:]+)", text))


@pytest.fixture(scope="module")
def transformed() -> dict[str, Any]:
    return translated()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_alias_is_of_a_published_version(transformed: dict[str, Any], function: str) -> None:
    alias = transformed[f"{function}Aliaslive"]["Properties"]

    assert alias["Name"] == "live"
    assert alias["FunctionVersion"]["Fn::GetAtt"][0] in versions(transformed)


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_api_invokes_published_version(transformed: dict[str, Any], function: str) -> None:
    name = function.removesuffix("Function")

    assert transformed[f"{name}Integration"]["Properties"]["IntegrationUri"] == {"Fn::Sub": f"${{{function}.Arn}}:live"}
    assert transformed[f"ApiMayInvoke{name}"]["Properties"]["FunctionName"] == {"Ref": f"{function}Aliaslive"}


def test_changed_layer_publishes_versions(transformed: dict[str, Any]) -> None:
    assert not versions(transformed) & versions(translated({"AgentSessionsLayer": "changed"}))


def test_changed_code_publishes_version_of_its_function(transformed: dict[str, Any]) -> None:
    unchanged = versions(transformed) & versions(translated({"SessionsFunction": "changed"}))

    assert len(unchanged) == len(FUNCTIONS) - 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_changed_parameter_or_table_publishes_version(function: str) -> None:
    # SAM sees neither the values of parameters nor the names of tables. CloudFormation does, and replaces a version if
    # its description changes. If only the description differed, Lambda would refuse to publish.
    properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[function]["Properties"]}
    description = properties.pop("VersionDescription")
    for not_in_a_version in ("ReservedConcurrentExecutions", "DeploymentPreference"):
        properties.pop(not_in_a_version)

    assert set(TABLES) <= references(properties)
    assert references(description) == references(properties) & {*PARAMETERS, *TABLES}


def version_description(function: str, tables: dict[str, str], values: Callable[[str], str]) -> str:
    """Return a version's description, given the names of the tables and the value of each parameter."""
    text, variables = RESOURCES[function]["Properties"]["VersionDescription"]["Fn::Sub"]
    ends = {}
    for name, value in variables.items():
        index, split = value["Fn::Select"]
        separator, table = split["Fn::Split"]
        ends[name] = tables[table["Ref"]].split(separator)[index]
    return re.sub(r"\$\{(\w+)\}", lambda match: ends.get(match[1]) or values(match[1]), text)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("table", TABLES)
def test_replaced_table_changes_version_description(function: str, table: str) -> None:
    names = {name: f"my-stack-{name}-1ABC2DEF3GHI" for name in TABLES}
    replaced = names | {table: f"my-stack-{table}-9XYZ8UVW7RST"}

    before, after = (version_description(function, each, str) for each in (names, replaced))

    assert before != after


@pytest.mark.parametrize("function", FUNCTIONS)
def test_longest_version_description_fits(function: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    longest_stack_name = "s" * 128
    names = {name: f"{longest_stack_name}-{name}-1ABC2DEF3GHI4" for name in TABLES}

    assert len(version_description(function, names, longest)) <= 256


def longest(parameter: str) -> str:
    if parameter == "SessionsNotBefore":
        return "2026-11-27T12:00:00Z"
    if parameter == "RestoredSuffix":
        return "-" + "r" * 15
    values = PARAMETERS[parameter].get("AllowedValues") or whole_number_bounds(parameter)
    return max(map(str, values), key=len)


def test_replaced_versions_are_deleted(transformed: dict[str, Any]) -> None:
    assert {each["DeletionPolicy"] for each in of_type(transformed, "AWS::Lambda::Version").values()} == {"Delete"}


def test_deployment_without_gradual_uses_no_codedeploy(transformed: dict[str, Any]) -> None:
    assert not [each["Type"] for each in transformed.values() if each["Type"].startswith("AWS::CodeDeploy::")]
    assert not [each for each in of_type(transformed, "AWS::Lambda::Alias").values() if "UpdatePolicy" in each]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("SessionsFunction", ["ApiErrors", "SessionsErrors"]),
        ("AgentsFunction", ["ApiErrors", "AgentsErrors"]),
        ("AuthorizerFunction", ["AuthorizerErrors"]),
    ],
)
def test_alarm_rolls_back_gradual_deployment(function: str, expected: list[str]) -> None:
    transformed = translated(GradualDeployment="true")

    group = transformed[f"{function}DeploymentGroup"]["Properties"]
    assert "Canary10Percent10Minutes" in str(group["DeploymentConfigName"])
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarms = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == [{"Fn::GetAtt": ["Monitoring", f"Outputs.{alarm}"]} for alarm in expected]
    policy = transformed[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["DeploymentGroupName"] == {"Ref": f"{function}DeploymentGroup"}
