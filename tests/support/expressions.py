"""DynamoDB's expressions, as far as the package uses them; any other syntax raises UnsupportedError.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

type Value = Mapping[str, Any]
type Item = Mapping[str, Value]

_TOKEN = re.compile(r"\s*(<=|>=|[=<>(),]|[:#]?[A-Za-z_][A-Za-z0-9_]*)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CLAUSES = ("SET", "REMOVE", "ADD")


class UnsupportedError(Exception):
    """The request uses syntax that the tests' engine does not know, or that DynamoDB rejects."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """What the placeholders of a request's expressions stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Value]

    def name(self, text: str) -> str:
        """Return the attribute that a name or a ``#placeholder`` stands for."""
        if not text.startswith("#"):
            return text
        if text not in self.names:
            raise UnsupportedError(f"{text} is not in ExpressionAttributeNames")
        return self.names[text]

    def value(self, text: str) -> Value:
        """Return the value of a ``:placeholder``."""
        if text not in self.values:
            raise UnsupportedError(f"{text} is not in ExpressionAttributeValues")
        return self.values[text]


type Condition = Callable[[Item, Bindings], bool]
type Operand = Callable[[Item, Bindings], Value | None]


@dataclass(frozen=True, slots=True)
class Update:
    """A parsed update expression: how each clause changes attributes, by their names in the expression."""

    set: tuple[tuple[str, Operand], ...]
    remove: tuple[str, ...]
    add: tuple[tuple[str, str], ...]

    def apply(self, item: Item, bindings: Bindings) -> dict[str, Value]:
        """Return the changed item; every operand is read from the item before the update."""
        changed = dict(item)
        for name, operand in self.set:
            value = operand(item, bindings)
            if value is None:
                raise UnsupportedError("an operand of SET refers to an attribute that does not exist")
            changed[bindings.name(name)] = value
        for name in self.remove:
            changed.pop(bindings.name(name), None)
        for name, placeholder in self.add:
            attribute, added = bindings.name(name), int(bindings.value(placeholder)["N"])
            changed[attribute] = {"N": str(int(item.get(attribute, {"N": "0"})["N"]) + added)}
        return changed


@cache
def placeholders(text: str) -> frozenset[str]:
    """Return the placeholders that an expression uses."""
    return frozenset(token for token in _tokens(text) if token[0] in ":#")


@cache
def parse_condition(text: str) -> Condition:
    """Parse a condition, a filter or a key condition."""
    parser = _Parser(text)
    condition = parser.disjunction()
    parser.end()
    return condition


@cache
def parse_update(text: str) -> Update:
    """Parse an update expression."""
    parser = _Parser(text)
    update = parser.update()
    parser.end()
    return update


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise UnsupportedError(f"unknown syntax at character {place} of {text!r}")
        tokens.append(match[1])
        place = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)

    def end(self) -> None:
        if self._tokens:
            raise self._unsupported(self._tokens[0])

    def disjunction(self) -> Condition:
        conditions = [self._conjunction()]
        while self._take("OR"):
            conditions.append(self._conjunction())
        return conditions[0] if len(conditions) == 1 else lambda item, of: any(each(item, of) for each in conditions)

    def _conjunction(self) -> Condition:
        conditions = [self._term()]
        while self._take("AND"):
            conditions.append(self._term())
        return conditions[0] if len(conditions) == 1 else lambda item, of: all(each(item, of) for each in conditions)

    def _term(self) -> Condition:
        if self._take("("):
            condition = self.disjunction()
            self._expect(")")
            return condition
        if self._take("attribute_exists"):
            name = self._argument()
            return lambda item, of: of.name(name) in item
        if self._take("attribute_not_exists"):
            name = self._argument()
            return lambda item, of: of.name(name) not in item
        left, symbol, right = self._operand(), self._next(), self._operand()
        if symbol == "=":
            return lambda item, of: _equal(left(item, of), right(item, of))
        if symbol not in _COMPARISONS:
            raise self._unsupported(symbol)
        compare = _COMPARISONS[symbol]
        return lambda item, of: _ordered(compare, left(item, of), right(item, of))

    def update(self) -> Update:
        sets: list[tuple[str, Operand]] = []
        removed: list[str] = []
        added: list[tuple[str, str]] = []
        while self._tokens:
            clause = self._next()
            if clause not in _CLAUSES:
                raise self._unsupported(clause)
            while True:
                name = self._name()
                if clause == "SET":
                    self._expect("=")
                    sets.append((name, self._operand()))
                elif clause == "REMOVE":
                    removed.append(name)
                else:
                    added.append((name, self._placeholder()))
                if not self._take(","):
                    break
        return Update(tuple(sets), tuple(removed), tuple(added))

    def _operand(self) -> Operand:
        token = self._next()
        if token.startswith(":"):
            return lambda _, of: of.value(token)
        if token == "if_not_exists":
            self._expect("(")
            name = self._name()
            self._expect(",")
            default = self._operand()
            self._expect(")")
            return lambda item, of: item.get(of.name(name)) or default(item, of)
        if token in _CLAUSES or not re.fullmatch(r"#?\w+", token) or self._tokens[:1] == ["("]:
            raise self._unsupported(token)
        return lambda item, of: item.get(of.name(token))

    def _argument(self) -> str:
        self._expect("(")
        name = self._name()
        self._expect(")")
        return name

    def _name(self) -> str:
        token = self._next()
        if not re.fullmatch(r"#?\w+", token) or self._tokens[:1] == ["("]:
            raise self._unsupported(token)
        return token

    def _placeholder(self) -> str:
        token = self._next()
        if not token.startswith(":"):
            raise self._unsupported(token)
        return token

    def _take(self, token: str) -> bool:
        if self._tokens[:1] == [token]:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._unsupported(self._tokens[0] if self._tokens else "the end")

    def _next(self) -> str:
        if not self._tokens:
            raise self._unsupported("the end")
        return self._tokens.pop(0)

    def _unsupported(self, token: str) -> UnsupportedError:
        return UnsupportedError(f"{token!r} is not expected in {self._text!r}")


def _comparable(value: Value) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    return kind, int(content) if kind == "N" else content


def _equal(left: Value | None, right: Value | None) -> bool:
    return left is not None and right is not None and _comparable(left) == _comparable(right)


def _ordered(compare: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return False
    (left_kind, left_value), (right_kind, right_value) = _comparable(left), _comparable(right)
    if left_kind != "N" or right_kind != "N":
        raise UnsupportedError("only numbers are compared by order")
    return compare(left_value, right_value)
