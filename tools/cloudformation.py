"""template.yaml and its nested stacks, parsed for the tests and the benchmark."""

import re
from typing import Any, NamedTuple

import yaml

from tools import ROOT


class _Loader(yaml.SafeLoader):
    """Reads the short form of CloudFormation's functions (``!Ref``) as their long form."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".")
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TypeError(f"!{suffix} must have a scalar, a sequence or a mapping")
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def load_template(path: str) -> dict[str, Any]:
    """Return a template, given its path in the repository, with functions in their long form."""
    template: dict[str, Any] = yaml.load((ROOT / path).read_text(), Loader=_Loader)  # noqa: S506
    return template


TEMPLATE = load_template("template.yaml")
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
MONITORING = load_template("stacks/monitoring.yaml")
DOMAIN = load_template("stacks/domain.yaml")
COGNITO = load_template("examples/cognito.yaml")


def resources(kind: str, template: dict[str, Any] = TEMPLATE) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical id."""
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def logical_function(folder: str) -> str:
    """Return the logical id of the function whose code is in a folder of functions/."""
    (name,) = [
        name
        for name, each in resources("AWS::Serverless::Function").items()
        if each["CodeUri"] == f"functions/{folder}/"
    ]
    return name


class Permission(NamedTuple):
    """An allowed action and the logical id of its resource, with the index if it is one; ``*`` is any resource."""

    action: str
    resource: str


def statements(role: str) -> list[dict[str, Any]]:
    """Return all statements of a role's policies, with those that depend on a condition."""
    return [
        statement["Fn::If"][1] if "Fn::If" in statement else statement
        for policy in RESOURCES[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def permissions(role: str) -> set[Permission]:
    """Return the permissions of a role."""
    return {
        Permission(action, resource_name(resource))
        for statement in statements(role)
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }


def resource_name(arn: Any) -> str:
    """Return the logical id in an ARN of the template, with the path that follows it."""
    match arn:
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::GetAtt": [str(name), "StreamArn"]}:
            return f"{name}/stream"
        case {"Fn::If": [str(), _, own]}:
            return resource_name(own)
        case {"Fn::Sub": str(text)} if text.startswith("arn:"):
            return text.rpartition(":")[2]
        case {"Fn::Sub": str(text)}:
            return text.replace("${RestoredSuffix}", "").replace("${", "").replace(".Arn}", "")
    return str(arn)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def table_definition(logical_id: str) -> dict[str, Any]:
    """Return the request of CreateTable for a table of the template."""
    properties = RESOURCES[logical_id]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {"TableName": logical_id} | {name: properties[name] for name in wanted if name in properties}


def whole_number_bounds(parameter: str) -> tuple[int, int]:
    """Return the smallest and the largest value of a parameter, as its constraint describes them."""
    bounds = re.fullmatch(r"must be a whole number from (\d+) to (\d+)", PARAMETERS[parameter]["ConstraintDescription"])
    if not bounds:
        raise ValueError(f"{parameter} describes no bounds")
    return int(bounds[1]), int(bounds[2])


def access_log_format(*, jwt: bool = False) -> str:
    """Return the format of a line of the API's access log, for callers with tokens of an issuer or without."""
    separator, fields = RESOURCES["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]["Fn::Join"]
    chosen = (each if isinstance(each, str) else each["Fn::If"][1 if jwt else 2] for each in fields)
    return str(separator.join(chosen))


def function_environment() -> dict[str, str]:
    """Return the environment of the functions at the defaults of all parameters, which make every condition false."""
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {name: _at_default(value) for name, value in variables.items()}


def _at_default(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "Fn::If" in value:
        return _at_default(value["Fn::If"][2])
    if "Fn::Sub" in value:
        return re.sub(r"\$\{(\w+)\}", lambda match: _at_default({"Ref": match[1]}), value["Fn::Sub"])
    reference = value["Ref"]
    if reference in PARAMETERS:
        return str(PARAMETERS[reference]["Default"])
    return "agent-sessions" if reference == "AWS::StackName" else str(reference)
