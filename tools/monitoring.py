"""stacks/monitoring.yaml as CloudFormation creates it; physical ids are the logical ids of template.yaml."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.cloudformation import MONITORING, PARAMETERS, RESOURCES, TEMPLATE
from tools.dashboard.body import Metric, Search, Widget, read_widgets

STACK_PARAMETERS: dict[str, Any] = RESOURCES["Monitoring"]["Properties"]["Parameters"]
CONDITIONS: dict[str, Any] = TEMPLATE["Conditions"]
PSEUDO = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
SERVICE = "agent-sessions"


def resources(kind: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type by logical id, given parameters of template.yaml."""
    deployment = _Deployment(parameters)
    return {
        name: deployment.value(each.get("Properties", {}))
        for name, each in MONITORING["Resources"].items()
        if each["Type"] == kind and deployment.is_met(each.get("Condition"))
    }


def widgets(**parameters: str) -> list[Widget]:
    """Return the widgets of the dashboard."""
    (dashboard,) = resources("AWS::CloudWatch::Dashboard", **parameters).values()
    return read_widgets(dashboard["DashboardBody"])


def alarms(**parameters: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all alarms, by logical id."""
    return resources("AWS::CloudWatch::Alarm", **parameters)


def on_the_dashboard(**parameters: str) -> Iterator[Metric | Search]:
    """Yield each metric or search of each widget."""
    for widget in widgets(**parameters):
        yield from (line.source for line in widget.lines if not isinstance(line.source, str))


def watched(alarm: dict[str, Any]) -> dict[str, Metric]:
    """Return the metrics of an alarm by their ids in its expression, or by name if it has no expression."""
    if "MetricName" in alarm:
        return {alarm["MetricName"]: _metric(alarm)}
    return {each["Id"]: _metric(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each}


def _metric(properties: dict[str, Any]) -> Metric:
    dimensions = frozenset((each["Name"], each["Value"]) for each in properties["Dimensions"])
    return Metric(properties["Namespace"], properties["MetricName"], dimensions)


class _Deployment:
    """Evaluates the functions of CloudFormation that the template uses."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self._names = PSEUDO | {name: self._parameter(value, parameters) for name, value in STACK_PARAMETERS.items()}

    def _parameter(self, value: Any, parameters: dict[str, str]) -> str:
        match value:
            case {"Ref": "AWS::StackName"}:
                return SERVICE
            case {"Ref": str(name)} if name in PARAMETERS:
                return parameters.get(name, str(PARAMETERS[name]["Default"]))
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                return name
            case {"Fn::If": [str(condition), true, false]}:
                (parameter, wanted) = CONDITIONS[condition]["Fn::Equals"]
                return self._parameter(true if self._parameter(parameter, parameters) == wanted else false, parameters)
            case {"Fn::Sub": str(text)}:  # a table
                return text.partition("}")[0].removeprefix("${")
            case str(text):
                return text
        raise ValueError(f"not supported as a parameter of the nested stack: {value}")

    def is_met(self, condition: str | None) -> bool:
        return condition is None or bool(self.value(MONITORING["Conditions"][condition]))

    def value(self, node: Any) -> Any:
        match node:
            case {"Ref": str(name)}:
                return self._names.get(name, name)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:]+)\}", lambda match: self._names[match[1]], text)
            case {"Fn::If": [str(condition), true, false]}:
                return self.value(true if self.is_met(condition) else false)
            case {"Fn::Equals": [a, b]}:
                return self.value(a) == self.value(b)
            case {"Fn::And": list(each)}:
                return all(self.value(each))
            case {"Condition": str(condition)}:
                return self.is_met(condition)
            case {"Fn::Not": [each]}:
                return not self.value(each)
            case {"Fn::ToJsonString": each}:
                return json.dumps(self.value(each))
            case dict():
                return {name: self.value(each) for name, each in node.items()}
            case list():
                return [value for each in node if (value := self.value(each)) != "AWS::NoValue"]
        return node
