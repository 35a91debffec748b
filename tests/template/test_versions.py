"""Every change of a function publishes a version; GradualDeployment moves requests to it."""

import json
import re
import subprocess
from typing import Any

import pytest

from tools import ROOT
from tools.cloudformation import PARAMETERS, RESOURCES, TEMPLATE

API_FUNCTIONS = ("SessionsFunction", "AgentsFunction")
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
SOURCES = {name: name for name in ("AgentSessionsLayer", *API_FUNCTIONS, "ReportFunction")}


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
    if isinstance(node, dict):
        return set().union(
            {node["Ref"]} if "Ref" in node else set(),
            re.findall(r"\$\{([\w:]+)", node["Fn::Sub"]) if isinstance(node.get("Fn::Sub"), str) else (),
            *(references(each) for each in node.values()),
        )
    return set().union(*(references(each) for each in node)) if isinstance(node, list) else set()


@pytest.fixture(scope="module")
def transformed() -> dict[str, Any]:
    return translated()


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_api_invokes_published_version(transformed: dict[str, Any], function: str) -> None:
    alias = transformed[f"{function}Aliaslive"]["Properties"]
    name = function.removesuffix("Function")

    assert alias["Name"] == "live"
    assert alias["FunctionVersion"]["Fn::GetAtt"][0] in versions(transformed)
    assert transformed[f"{name}Integration"]["Properties"]["IntegrationUri"] == {"Fn::Sub": f"${{{function}.Arn}}:live"}
    assert transformed[f"ApiMayInvoke{name}"]["Properties"]["FunctionName"] == {"Ref": f"{function}Aliaslive"}


def test_changed_layer_publishes_versions(transformed: dict[str, Any]) -> None:
    assert not versions(transformed) & versions(translated({"AgentSessionsLayer": "changed"}))


def test_changed_code_publishes_version_of_its_function(transformed: dict[str, Any]) -> None:
    assert len(versions(transformed) & versions(translated({"SessionsFunction": "changed"}))) == 1


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_changed_parameter_publishes_version(function: str) -> None:
    # SAM does not see the values of parameters. CloudFormation does, and replaces a version if its description changes.
    # If only the description differed, Lambda would refuse to publish.
    properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[function]["Properties"]}
    description = properties.pop("VersionDescription")
    for not_in_a_version in ("ReservedConcurrentExecutions", "DeploymentPreference"):
        properties.pop(not_in_a_version)

    assert references(description) == references(properties) & set(PARAMETERS)


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_longest_version_description_fits(function: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    text = RESOURCES[function]["Properties"]["VersionDescription"]["Fn::Sub"]

    longest = re.sub(r"\$\{(\w+)\}", lambda match: max(map(str, values(match[1])), key=len), text)

    assert len(longest) <= 256


def values(parameter: str) -> list[Any]:
    each = PARAMETERS[parameter]
    return each.get("AllowedValues") or [each["Default"], each.get("MaxValue", 10**9 - 1)]


def test_replaced_versions_are_deleted(transformed: dict[str, Any]) -> None:
    assert {each["DeletionPolicy"] for each in of_type(transformed, "AWS::Lambda::Version").values()} == {"Delete"}


def test_deployment_without_gradual_uses_no_codedeploy(transformed: dict[str, Any]) -> None:
    assert not [each["Type"] for each in transformed.values() if each["Type"].startswith("AWS::CodeDeploy::")]
    assert not [each for each in of_type(transformed, "AWS::Lambda::Alias").values() if "UpdatePolicy" in each]


@pytest.mark.parametrize(
    ("function", "errors"), [("SessionsFunction", "SessionsErrors"), ("AgentsFunction", "AgentsErrors")]
)
def test_alarm_rolls_back_gradual_deployment(function: str, errors: str) -> None:
    transformed = translated(GradualDeployment="true")

    group = transformed[f"{function}DeploymentGroup"]["Properties"]
    assert "Canary10Percent10Minutes" in str(group["DeploymentConfigName"])
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarms = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == [{"Fn::GetAtt": ["Monitoring", f"Outputs.{alarm}"]} for alarm in ("ApiErrors", errors)]
    policy = transformed[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["DeploymentGroupName"] == {"Ref": f"{function}DeploymentGroup"}
