"""What SAM makes of the functions: a version for every change, and how requests move to it."""

import json
import re
import subprocess
from typing import Any

import pytest

from tools import ROOT
from tools.cloudformation import PARAMETERS, RESOURCES, TEMPLATE

API_FUNCTIONS = ("SessionsFunction", "AgentsFunction")
# SAM's own translator, which CloudFormation runs as well; it takes sources that are in S3 already.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

class NoManagedPolicies:
    def load(self):
        return {}

asked = json.load(sys.stdin)
template = yaml_parse(asked["template"])
for name, key in asked["sources"].items():
    properties = template["Resources"][name]["Properties"]
    properties["ContentUri" if "ContentUri" in properties else "CodeUri"] = f"s3://bucket/{key}"
json.dump(transform(template, asked["parameters"], NoManagedPolicies())["Resources"], sys.stdout)
"""
SOURCES = {name: name for name in ("AgentSessionsLayer", *API_FUNCTIONS, "ReportFunction")}


def translated(sources: dict[str, str] | None = None, **parameters: str) -> dict[str, Any]:
    """Return the resources that SAM makes of the template."""
    asked = {
        "template": (ROOT / "template.yaml").read_text(),
        "sources": SOURCES | (sources or {}),
        "parameters": {name: str(each["Default"]) for name, each in PARAMETERS.items()} | parameters,
    }
    python = ROOT / ".envs/sam/bin/python"
    environ = {"AWS_DEFAULT_REGION": "eu-west-1"}
    done = subprocess.run(  # noqa: S603
        [python, "-c", TRANSLATE], input=json.dumps(asked), env=environ, capture_output=True, text=True, check=True
    )
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def of_type(made: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in made.items() if each["Type"] == kind}


def versions(made: dict[str, Any]) -> set[str]:
    return set(of_type(made, "AWS::Lambda::Version"))


def references(node: Any) -> set[str]:
    """Return everything that is referred to by name."""
    if isinstance(node, dict):
        return set().union(
            {node["Ref"]} if "Ref" in node else set(),
            re.findall(r"\$\{([\w:]+)", node["Fn::Sub"]) if isinstance(node.get("Fn::Sub"), str) else (),
            *(references(each) for each in node.values()),
        )
    return set().union(*(references(each) for each in node)) if isinstance(node, list) else set()


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return translated()


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_callers_reach_the_published_version(made: dict[str, Any], function: str) -> None:
    alias = made[f"{function}Aliaslive"]["Properties"]
    name = function.removesuffix("Function")

    assert alias["Name"] == "live"
    assert alias["FunctionVersion"]["Fn::GetAtt"][0] in versions(made)
    assert made[f"{name}Integration"]["Properties"]["IntegrationUri"] == {"Fn::Sub": f"${{{function}.Arn}}:live"}
    assert made[f"ApiMayInvoke{name}"]["Properties"]["FunctionName"] == {"Ref": f"{function}Aliaslive"}


def test_a_change_of_the_layer_alone_publishes_versions(made: dict[str, Any]) -> None:
    assert not versions(made) & versions(translated({"AgentSessionsLayer": "changed"}))


def test_a_change_of_a_function_publishes_its_version(made: dict[str, Any]) -> None:
    assert len(versions(made) & versions(translated({"SessionsFunction": "changed"}))) == 1


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_a_change_of_any_parameter_of_a_function_publishes_its_version(function: str) -> None:
    # SAM does not look into parameters. CloudFormation does, and replaces a version whose description changes;
    # where nothing but the description did, Lambda would refuse to publish.
    properties = {**TEMPLATE["Globals"]["Function"], **RESOURCES[function]["Properties"]}
    description = properties.pop("VersionDescription")
    for not_in_a_version in ("ReservedConcurrentExecutions", "DeploymentPreference"):
        properties.pop(not_in_a_version)

    assert references(description) == references(properties) & set(PARAMETERS)


@pytest.mark.parametrize("function", API_FUNCTIONS)
def test_the_longest_description_fits(function: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    text = RESOURCES[function]["Properties"]["VersionDescription"]["Fn::Sub"]

    longest = re.sub(r"\$\{(\w+)\}", lambda match: max(map(str, values(match[1])), key=len), text)

    assert len(longest) <= 256


def values(parameter: str) -> list[Any]:
    each = PARAMETERS[parameter]
    return each.get("AllowedValues") or [each["Default"], each.get("MaxValue", 10**9 - 1)]


def test_versions_that_are_no_longer_used_go(made: dict[str, Any]) -> None:
    assert {each["DeletionPolicy"] for each in of_type(made, "AWS::Lambda::Version").values()} == {"Delete"}


def test_all_at_once_needs_no_codedeploy(made: dict[str, Any]) -> None:
    assert not [each["Type"] for each in made.values() if each["Type"].startswith("AWS::CodeDeploy::")]
    assert not [each for each in of_type(made, "AWS::Lambda::Alias").values() if "UpdatePolicy" in each]


@pytest.mark.parametrize(
    ("function", "errors"), [("SessionsFunction", "SessionsErrors"), ("AgentsFunction", "AgentsErrors")]
)
def test_a_gradual_deployment_goes_back_when_an_alarm_goes_off(function: str, errors: str) -> None:
    made = translated(GradualDeployment="true")

    group = made[f"{function}DeploymentGroup"]["Properties"]
    assert "Canary10Percent10Minutes" in str(group["DeploymentConfigName"])
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarms = [alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == [{"Fn::GetAtt": ["Operations", f"Outputs.{alarm}"]} for alarm in ("ApiErrors", errors)]
    policy = made[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy["DeploymentGroupName"] == {"Ref": f"{function}DeploymentGroup"}
