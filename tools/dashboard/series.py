"""The values of a widget's lines, read from CloudWatch."""

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
class DrawnLine:
    """A line of a widget, with its values."""

    label: str
    values: Series
    on_the_right: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values from CloudWatch; each of ``times`` starts a period of ``period`` seconds."""

    cloudwatch: "CloudWatchClient"
    times: Sequence[int]
    period: int

    def lines_of(self, widget: Widget) -> list[DrawnLine]:
        """Return the visible lines of a widget, including those without values.

        An expression may refer to the metrics, and to the expressions before it, by id.
        """
        metrics = {
            line.name: self.values(line.source, line.stat) for line in widget.lines if isinstance(line.source, Metric)
        }
        expressions: dict[str, Series] = {}
        for line in widget.lines:
            if isinstance(line.source, str):
                expressions[line.name] = evaluate(line.source, metrics, self.times, expressions)
        return [
            DrawnLine(label, values, line.on_the_right)
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
        metric_stat: MetricStatTypeDef = {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)],
            },
            "Period": self.period,
            "Stat": stat,
        }
        response = self.cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "values", "MetricStat": metric_stat}],
            StartTime=datetime.fromtimestamp(self.times[0], UTC),
            EndTime=datetime.fromtimestamp(self.times[-1] + self.period, UTC),
            ScanBy="TimestampAscending",
        )
        (result,) = response["MetricDataResults"]
        return {
            int(time.timestamp()): value for time, value in zip(result["Timestamps"], result["Values"], strict=True)
        }

    def _found(self, search: Search) -> list[Metric]:
        key, value = search.where
        response = self.cloudwatch.list_metrics(
            Namespace=search.namespace, MetricName=search.name, Dimensions=[{"Name": key, "Value": value}]
        )
        found = [
            Metric(
                search.namespace, search.name, frozenset((each["Name"], each["Value"]) for each in one["Dimensions"])
            )
            for one in response["Metrics"]
        ]
        return [metric for metric in found if {name for name, _ in metric.dimensions} == search.dimensions]


def _label(label: str, metric: Metric) -> str:
    """Replace the placeholders of a label, such as ``${PROP('Dim.Method')}``."""
    dimensions = dict(metric.dimensions)
    return re.sub(r"\$\{PROP\('Dim\.(\w+)'\)\}", lambda match: dimensions[match[1]], label)
