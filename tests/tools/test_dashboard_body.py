"""The body of a dashboard is read as CloudWatch reads it."""

import json
from typing import Any

import pytest

from tools.dashboard.body import Metric, Search, read_widgets


def widget(width: int, height: int = 6, **properties: Any) -> dict[str, Any]:
    return {"type": "metric", "width": width, "height": height, "properties": {"title": "x", **properties}}


def places(*widgets: dict[str, Any]) -> list[tuple[int, int]]:
    return [(each.x, each.y) for each in read_widgets(json.dumps({"widgets": widgets}))]


def test_widgets_fill_row_after_row() -> None:
    assert places(widget(12), widget(12), widget(8)) == [(0, 0), (12, 0), (0, 6)]
    assert places(widget(8, 4), widget(8, 6), widget(12), widget(24)) == [(0, 0), (8, 0), (0, 6), (0, 12)]


def test_lines_inherit_properties_of_their_widget() -> None:
    metrics = [
        ["AWS/Lambda", "Errors", "FunctionName", "f", {"label": "f", "stat": "Maximum"}],
        ["AWS/Lambda", "Errors", "FunctionName", "g", {"id": "g", "visible": False}],
        ["AWS/Lambda", "Errors"],
        [{"expression": "g / 2", "yAxis": "right", "label": "half"}],
    ]
    (read,) = read_widgets(json.dumps({"widgets": [widget(8, stat="Sum", metrics=metrics)]}))
    first, second, third, fourth = read.lines

    assert first.source == Metric("AWS/Lambda", "Errors", frozenset({("FunctionName", "f")}))
    assert (first.label, first.stat, first.visible) == ("f", "Maximum", True)
    assert (second.name, second.label, second.stat, second.visible) == ("g", "Errors", "Sum", False)
    assert third.source == Metric("AWS/Lambda", "Errors", frozenset())
    assert (fourth.source, fourth.label, fourth.on_the_right) == ("g / 2", "half", True)


def test_search_is_distinguished_from_an_expression() -> None:
    expression = """SEARCH('{AWS/X,A,B} MetricName="M" A="1"', 'p99')"""

    assert Search.read(expression) == Search("AWS/X", "M", frozenset({"A", "B"}), ("A", "1"), "p99")
    assert Search.read("m1 + m2") is None


@pytest.mark.parametrize("dimensions", [["FunctionName"], ["FunctionName", "f", "Resource"]])
def test_dimension_without_value_is_an_error(dimensions: list[str]) -> None:
    with pytest.raises(ValueError, match="zip"):
        read_widgets(json.dumps({"widgets": [widget(8, metrics=[["AWS/Lambda", "Errors", *dimensions]])]}))
