"""stacks/monitoring.yaml as CloudFormation makes it, with template.yaml's logical ids for physical ones."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.cloudformation import OPERATIONS, PARAMETERS, RESOURCES
from tools.dashboard.body import Metric, Search, Widget, read_widgets

PASSED: dict[str, Any] = RESOURCES["Operations"]["Properties"]["Parameters"]
PSEUDO = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
SERVICE = "agent-sessions"


def resources(kind: str, **parameters: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, by logical id, with these parameters of template.yaml."""
    made = _Deployment(parameters)
    return {
        name: made.value(each.get("Properties", {}))
        for name, each in OPERATIONS["Resources"].items()
        if each["Type"] == kind and made.holds(each.get("Condition"))
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
    """Return the metrics of an alarm by the names that its expression calls; of a plain alarm, by its own."""
    if "MetricName" in alarm:
        return {alarm["MetricName"]: _metric(alarm)}
    return {each["Id"]: _metric(each["MetricStat"]["Metric"]) for each in alarm["Metrics"] if "MetricStat" in each}


def _metric(properties: dict[str, Any]) -> Metric:
    dimensions = frozenset((each["Name"], each["Value"]) for each in properties["Dimensions"])
    return Metric(properties["Namespace"], properties["MetricName"], dimensions)


class _Deployment:
    """The functions of CloudFormation, as much of them as the template uses."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self._names = PSEUDO | {name: self._passed(value, parameters) for name, value in PASSED.items()}

    def _passed(self, value: Any, parameters: dict[str, str]) -> str:
        match value:
            case {"Ref": "AWS::StackName"}:
                return SERVICE
            case {"Ref": str(name)} if name in PARAMETERS:
                return parameters.get(name, str(PARAMETERS[name]["Default"]))
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                return name
        raise AssertionError(f"{value} is not passed so far")

    def holds(self, condition: str | None) -> bool:
        return condition is None or bool(self.value(OPERATIONS["Conditions"][condition]))

    def value(self, node: Any) -> Any:
        match node:
            case {"Ref": str(name)}:
                return self._names.get(name, name)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:]+)\}", lambda match: self._names[match[1]], text)
            case {"Fn::If": [str(condition), true, false]}:
                return self.value(true if self.holds(condition) else false)
            case {"Fn::Equals": [a, b]}:
                return self.value(a) == self.value(b)
            case {"Fn::Not": [each]}:
                return not self.value(each)
            case {"Fn::ToJsonString": each}:
                return json.dumps(self.value(each))
            case dict():
                return {name: self.value(each) for name, each in node.items()}
            case list():
                return [self.value(each) for each in node]
        return node
