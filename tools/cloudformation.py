"""template.yaml, and what is nested in it, as the tests and the benchmark read them."""

from typing import Any, NamedTuple

import yaml

from tools import ROOT


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as the functions that they are short for."""


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
        raise TypeError(f"{suffix} is neither text nor list nor mapping")
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def load_template(path: str) -> dict[str, Any]:
    """Return a template, with short tags spelt out."""
    template: dict[str, Any] = yaml.load((ROOT / path).read_text(), Loader=_Loader)  # noqa: S506
    return template


TEMPLATE = load_template("template.yaml")
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
OPERATIONS = load_template("stacks/monitoring.yaml")


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
    """An action, and the logical id of what it is allowed on, or of its index; ``*`` is everything."""

    action: str
    resource: str


def statements(role: str) -> list[dict[str, Any]]:
    """Return all statements of a role's policies."""
    return [
        statement
        for policy in RESOURCES[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def permissions(role: str) -> set[Permission]:
    """Return what a role may do."""
    return {
        Permission(action, resource_name(resource))
        for statement in statements(role)
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }


def resource_name(arn: Any) -> str:
    """Return the logical id of the resource that an ARN of the template names, with what follows it."""
    match arn:
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::Sub": str(text)}:
            return text.replace("${", "").replace(".Arn}", "")
    return str(arn)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def table_definition(logical_id: str) -> dict[str, Any]:
    """Return what CreateTable needs to make a table as the template does."""
    properties = RESOURCES[logical_id]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {"TableName": logical_id} | {name: properties[name] for name in wanted if name in properties}


def function_environment() -> dict[str, str]:
    """Return the environment of the functions with every parameter at its default, which makes conditions false."""
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return {name: _at_default(value) for name, value in variables.items()}


def _at_default(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "Fn::If" in value:
        return _at_default(value["Fn::If"][2])
    reference = value["Ref"]
    if reference in PARAMETERS:
        return str(PARAMETERS[reference]["Default"])
    return "agent-sessions" if reference == "AWS::StackName" else str(reference)
