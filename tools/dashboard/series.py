"""The values of a widget's lines, as CloudWatch has them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tools.dashboard.body import Line, Metric, Search, Widget
from tools.dashboard.metric_math import Series, evaluate

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricStatTypeDef


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line with its values."""

    label: str
    values: Series
    on_the_right: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads lines from CloudWatch at given times, each the beginning of a period of so many seconds."""

    cloudwatch: "CloudWatchClient"
    times: Sequence[int]
    period: int

    def lines_of(self, widget: Widget) -> list[Drawn]:
        """Return the visible lines of a widget; those without any value too.

        An expression may call the metrics, and the expressions before it, by name.
        """
        metrics = {
            line.name: self.values(line.source, line.stat) for line in widget.lines if isinstance(line.source, Metric)
        }
        expressions: dict[str, Series] = {}
        for line in widget.lines:
            if isinstance(line.source, str):
                expressions[line.name] = evaluate(line.source, metrics, self.times, expressions)
        return [
            Drawn(label, values, line.on_the_right)
            for line in widget.lines
            if line.visible
            for label, values in self._series(line, metrics | expressions)
        ]

    def _series(self, line: Line, named: Mapping[str, Series]) -> Iterable[tuple[str, Series]]:
        if isinstance(line.source, Search):
            return [
                (_label(line.label, each), self.values(each, line.source.stat)) for each in self._found(line.source)
            ]
        return [(line.label, named[line.name])]

    def values(self, metric: Metric, stat: str) -> Series:
        """Return the values of a metric."""
        stated: MetricStatTypeDef = {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)],
            },
            "Period": self.period,
            "Stat": stat,
        }
        answer = self.cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "values", "MetricStat": stated}],
            StartTime=datetime.fromtimestamp(self.times[0], UTC),
            EndTime=datetime.fromtimestamp(self.times[-1] + self.period, UTC),
            ScanBy="TimestampAscending",
        )
        (result,) = answer["MetricDataResults"]
        return {
            int(time.timestamp()): value for time, value in zip(result["Timestamps"], result["Values"], strict=True)
        }

    def _found(self, search: Search) -> list[Metric]:
        key, value = search.where
        answer = self.cloudwatch.list_metrics(
            Namespace=search.namespace, MetricName=search.name, Dimensions=[{"Name": key, "Value": value}]
        )
        found = [
            Metric(
                search.namespace, search.name, frozenset((each["Name"], each["Value"]) for each in one["Dimensions"])
            )
            for one in answer["Metrics"]
        ]
        return [metric for metric in found if {name for name, _ in metric.dimensions} == search.dimensions]


def _label(label: str, metric: Metric) -> str:
    """Fill in a label such as ``${PROP('Dim.Method')}``."""
    dimensions = dict(metric.dimensions)
    return re.sub(r"\$\{PROP\('Dim\.(\w+)'\)\}", lambda match: dimensions[match[1]], label)
