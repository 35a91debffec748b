"""A dashboard's body as CloudWatch reads it: widgets and their lines.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Metric:
    """One time series: a namespace, a name, and dimensions with their values."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Search:
    """A ``SEARCH`` expression: all series with a name and exactly these dimensions, one of which has a given value."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    where: tuple[str, str]
    stat: str

    @classmethod
    def read(cls, expression: str) -> Self | None:
        """Parse an expression; None if it is not a search."""
        form = r"""SEARCH\('\{([\w/]+),([\w,]+)\} MetricName="(\w+)" (\w+)="([^"]+)"', '(\w+)'\)"""
        found = re.fullmatch(form, expression)
        if not found:
            return None
        namespace, dimensions, name, key, value, stat = found.groups()
        return cls(namespace, name, frozenset(dimensions.split(",")), (key, value), stat)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a widget: a metric, a search or an expression of metric math."""

    name: str  # the id by which expressions refer to it
    label: str
    source: Metric | Search | str
    stat: str
    visible: bool
    on_the_right: bool


@dataclass(frozen=True, slots=True)
class Widget:
    """A widget at its place; ``alarms`` has the ARNs of an alarm widget."""

    kind: str
    title: str
    x: int
    y: int
    width: int
    height: int
    properties: dict[str, Any]
    lines: tuple[Line, ...]
    alarms: tuple[str, ...]


def read_widgets(body: str) -> list[Widget]:
    """Return the widgets of a body without positions: CloudWatch fills row after row."""
    widgets = []
    x = y = row_height = 0
    for each in json.loads(body)["widgets"]:
        width, height, properties = each["width"], each["height"], each["properties"]
        if x + width > COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        lines = tuple(_line(row, number, properties) for number, row in enumerate(properties.get("metrics", [])))
        alarms = tuple(properties.get("alarms", []))
        widgets.append(Widget(each["type"], properties["title"], x, y, width, height, properties, lines, alarms))
        x, row_height = x + width, max(row_height, height)
    return widgets


def _line(row: Sequence[Any], number: int, properties: dict[str, Any]) -> Line:
    *names, options = row if isinstance(row[-1], dict) else [*row, {}]
    source: Metric | Search | str
    if names:
        namespace, name, *dimensions = names
        source = Metric(namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)))
    else:
        source = Search.read(options["expression"]) or options["expression"]
    return Line(
        name=options.get("id", f"line{number}"),
        label=options.get("label", names[1] if names else ""),
        source=source,
        stat=options.get("stat", properties.get("stat", "Average")),
        visible=options.get("visible", True),
        on_the_right=options.get("yAxis") == "right",
    )
