"""The part of CloudWatch's metric math that the dashboard and the alarms use.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

type Series = dict[int, float]  # by epoch seconds; a missing value has no key
type Value = float | Series | list[Series]

OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


class MetricMathError(Exception):
    """An expression uses something that is not implemented here, or results in another type than expected."""


def evaluate(
    expression: str, metrics: Mapping[str, Series], times: Sequence[int], others: Mapping[str, Series] | None = None
) -> Series:
    """Evaluate an expression that results in one series.

    Args:
        expression: Metric math, whose syntax is a subset of Python's.
        metrics: Metrics by id.
        times: The times of a complete series, in epoch seconds.
        others: Results of other expressions, by id.

    Raises:
        MetricMathError: the expression uses something that is not implemented here, or does not result in one series.
    """
    value = _Evaluation(metrics, {**metrics, **(others or {})}, times).value(ast.parse(expression, mode="eval").body)
    if not isinstance(value, dict):
        raise MetricMathError(f"{expression} does not result in one series")
    return value


class _Evaluation:
    def __init__(self, metrics: Mapping[str, Series], named: Mapping[str, Series], times: Sequence[int]) -> None:
        self._metrics = metrics
        self._named = named
        self._times = times

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.Name(id=name) if name in self._named:
                return self._named[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return combine(OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return combine(OPERATORS[type(op)], self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id="METRICS"), args=[]):
                return list(self._metrics.values())
            case ast.List(elts=elements):
                return [_series(self.value(each)) for each in elements]
            case ast.Call(func=ast.Name(id="SUM"), args=[array]):
                return total(self.value(array))
            case ast.Call(func=ast.Name(id="EPOCH"), args=[_]):
                return {time: float(time) for time in self._times}
            case ast.Call(func=ast.Name(id="FILL"), args=[series, ast.Name(id="REPEAT")]):
                return self.repeat(self.value(series))
            case ast.Call(func=ast.Name(id="FILL"), args=[series, ast.Constant(value=int() | float() as number)]):
                return dict.fromkeys(self._times, float(number)) | _series(self.value(series))
            case ast.Call(func=ast.Name(id="IF"), args=[condition, true, *false]):
                otherwise = self.value(false[0]) if false else {}
                return choose(_series(self.value(condition)), self.value(true), otherwise)
        raise MetricMathError(f"{ast.unparse(node)} is not implemented")

    def repeat(self, value: Value) -> Series:
        series = _series(value)
        repeated: Series = {}
        last = None
        for time in self._times:
            last = series.get(time, last)
            if last is not None:
                repeated[time] = last
        return repeated


def combine(operation: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Apply an operator; a value that is missing in one of two series is 0, and a division by 0 has no result."""
    if isinstance(left, list) or isinstance(right, list):
        raise MetricMathError("operators on arrays of series are not implemented")
    if not isinstance(left, dict) and not isinstance(right, dict):
        return float(operation(left, right))
    times = sorted({*(left if isinstance(left, dict) else ()), *(right if isinstance(right, dict) else ())})
    result: Series = {}
    for time in times:
        a = left.get(time, 0) if isinstance(left, dict) else left
        b = right.get(time, 0) if isinstance(right, dict) else right
        if operation is not operator.truediv or b:
            result[time] = float(operation(a, b))
    return result


def choose(condition: Series, true: Value, otherwise: Value) -> Series:
    """Return one of two values at each time of the condition; a missing value is 0 if true, and dropped otherwise."""
    result: Series = {}
    for time, met in condition.items():
        if met:
            result[time] = true.get(time, 0) if isinstance(true, dict) else _number(true)
        elif not isinstance(otherwise, dict):
            result[time] = _number(otherwise)
        elif time in otherwise:
            result[time] = otherwise[time]
    return result


def total(value: Value) -> Series:
    """Add up the series of an array, at each time that one of them has."""
    if not isinstance(value, list):
        raise MetricMathError("SUM of a single series is a number, which is not implemented")
    result: Series = {}
    for series in value:
        for time, number in series.items():
            result[time] = result.get(time, 0) + number
    return result


def _series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MetricMathError("expected a series")
    return value


def _number(value: Value) -> float:
    if isinstance(value, (dict, list)):
        raise MetricMathError("expected a number")
    return value
