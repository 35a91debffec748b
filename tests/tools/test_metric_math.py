"""Metric math follows the documentation of AWS; the examples are from its page.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import pytest

from tools.dashboard.metric_math import MetricMathError, Series, evaluate

TIMES = (0, 1, 2, 3, 4)


def series(*values: float | None) -> Series:
    return {time: value for time, value in enumerate(values) if value is not None}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", series(50, 20, 20, 0)),
        ("m1 - m2", series(10, 20, -20, 0)),
        ("100 * m1 / (m1 + m2)", series(60, 100, 0)),  # division by zero yields no point
        ("m1 < m2", series(0, 0, 1, 0)),
        ("m1 >= 30", series(1, 0, 0, 0)),
        ("FILL(m2, 7)", series(20, 7, 20, 7, 7)),
        ("FILL(m2, REPEAT)", series(20, 20, 20, 20, 20)),
        ("FILL(late, REPEAT)", series(None, None, 5, 5, 5)),
        ("EPOCH(m1)", series(0, 1, 2, 3, 4)),
        ("SUM(METRICS())", series(51, 51, 25, 0, 30)),
        ("IF(c1, c2, c3)", series(30, 0, 20)),
        ("IF(c1, 5, c3)", series(5, 5, 20)),
        ("IF(c1, c2, 5)", series(30, 0, 5, 5)),
        ("IF(c1, c2)", series(30, 0)),
    ],
)
def test_expressions_follow_the_documentation(expression: str, expected: Series) -> None:
    metrics = {"m1": series(30, 20, 0, 0), "m2": series(20, None, 20, None)}
    if "c1" in expression:
        metrics = {
            "c1": series(1, 1, 0, 0, None),
            "c2": series(30, None, 0, 0, 30),
            "c3": series(0, 0, 20, None, 20),
        }
    elif "METRICS" in expression:
        metrics |= {"m3": series(1, 31, 5, None, 30)}
    elif "late" in expression:
        metrics |= {"late": series(None, None, 5, None, None)}

    assert evaluate(expression, metrics, TIMES) == expected


def test_metrics_function_excludes_results_of_expressions() -> None:
    assert evaluate("SUM(METRICS())", {"m1": {0: 1}}, TIMES, {"e1": {0: 5}}) == {0: 1}
    assert evaluate("m1 + e1", {"m1": {0: 1}}, TIMES, {"e1": {0: 5}}) == {0: 6}


@pytest.mark.parametrize(
    "expression", ["m9", "RATE(m1)", "AVG(m1)", "SUM(m1)", "m1 ^ 2", "5", "METRICS()", "IF(5, m1)"]
)
def test_unsupported_expression_is_an_error(expression: str) -> None:
    with pytest.raises(MetricMathError):
        evaluate(expression, {"m1": series(1)}, TIMES)
