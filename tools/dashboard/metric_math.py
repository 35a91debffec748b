"""CloudWatch's metric math, as much of it as the dashboard and the alarms use.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

type Series = dict[int, float]  # from epoch seconds; what is missing is not there
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
    """An expression has a part that is not known here, or does not make what is needed."""


def evaluate(
    expression: str, metrics: Mapping[str, Series], times: Sequence[int], others: Mapping[str, Series] | None = None
) -> Series:
    """Return the series that an expression makes.

    Args:
        expression: Metric math; its syntax is also Python's.
        metrics: The metrics that it may call by name.
        times: When there is a value, in epoch seconds, where nothing is missing.
        others: What other expressions made, by their names.

    Raises:
        MetricMathError: the expression has a part that is not known here, or makes no single series.
    """
    value = _Evaluation(metrics, {**metrics, **(others or {})}, times).value(ast.parse(expression, mode="eval").body)
    if not isinstance(value, dict):
        raise MetricMathError(f"{expression} makes no single series")
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
        raise MetricMathError(f"{ast.unparse(node)} is not known here")

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
    """Apply an operator: of two series, what is missing in one is 0; a division by 0 is dropped."""
    if isinstance(left, list) or isinstance(right, list):
        raise MetricMathError("arrays of series are not known here")
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
    """Return, at each time of the condition, the one or the other; a value that is missing is 0 or dropped."""
    result: Series = {}
    for time, holds in condition.items():
        if holds:
            result[time] = true.get(time, 0) if isinstance(true, dict) else _number(true)
        elif not isinstance(otherwise, dict):
            result[time] = _number(otherwise)
        elif time in otherwise:
            result[time] = otherwise[time]
    return result


def total(value: Value) -> Series:
    """Add the series of an array up, at each time that one of them has."""
    if not isinstance(value, list):
        raise MetricMathError("SUM of a single series is a number, which is not known here")
    result: Series = {}
    for series in value:
        for time, number in series.items():
            result[time] = result.get(time, 0) + number
    return result


def _series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MetricMathError("a series is needed")
    return value


def _number(value: Value) -> float:
    if isinstance(value, (dict, list)):
        raise MetricMathError("a number is needed")
    return value
