"""The built-in functions of PMML. A missing argument gives a missing result, except where a function says otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .document import Element
from .graph import DOUBLE, Graph
from .refusal import malformed, unsupported
from .scope import Scope
from .truth import Truth, column, conjunction, disjunction, either, from_column, negate
from .values import Value, missing


@dataclass(frozen=True)
class Call:
    """A call of a function: the element, where it stands, and the arguments."""

    element: Element
    scope: Scope
    arguments: list[Value]

    @property
    def graph(self) -> Graph:
        """The graph under construction."""
        return self.scope.context.graph

    def count(self, low: int, high: int | None = None) -> None:
        """Reject a call with too few or too many arguments."""
        if not low <= len(self.arguments) <= (high or len(self.arguments)):
            raise malformed(self.element, f"the function has {len(self.arguments)} arguments")

    def numbers(self, low: int, high: int | None = None) -> list[str]:
        """Return the tensors of arguments that must be numbers."""
        self.count(low, high)
        for value in self.arguments:
            if value.kind != "number":
                raise unsupported(self.element, f"an argument is a {value.data_type}, and the function needs numbers")
        return [value.tensor for value in self.arguments]

    def number(self, tensor: str, integral: bool = False) -> Value:
        """Return a number as the result."""
        return Value(tensor, "double", "number", integral=integral, constant=self._folded())

    def boolean(self, truth: Truth) -> Value:
        """Return a truth as the result."""
        present = truth.unknown is None or all(value.present for value in self.arguments)
        tensor = column(self.graph, Truth(truth.true) if present else truth)
        return Value(tensor, "boolean", "boolean", integral=True, constant=self._folded(), present=present)

    def _folded(self) -> float | None:
        # Only whether a value is the same in each row matters to readers of `constant` in results of functions.
        return math.nan if all(value.constant is not None for value in self.arguments) else None

    @property
    def integral(self) -> bool:
        """Whether all arguments are whole numbers."""
        return all(value.integral for value in self.arguments)

    def same_kind(self, values: Sequence[Value]) -> None:
        """Refuse values of which some are texts, others numbers or booleans."""
        if len({value.kind for value in values}) > 1:
            raise unsupported(self.element, "the arguments have different types")

    def unknown(self, values: Sequence[Value]) -> str | None:
        """Where any of the values is missing."""
        return either(self.graph, [missing(self.graph, value) for value in values if not value.present])

    def note_missing(self) -> None:
        """Say that a comparison of missing values differs between consumers."""
        if all(value.present for value in self.arguments):
            return
        self.scope.context.note(
            f"{self.element.place}: the function gives a missing result for a missing argument; pypmml gives true or false"
        )


Function = Callable[[Call], Value]


def _arithmetic(kind: str, keeps_whole: bool) -> Function:
    def function(call: Call) -> Value:
        left, right = call.numbers(2, 2)
        return call.number(call.graph.op(kind, left, right), keeps_whole and call.integral)

    return function


def _unary(kind: str, whole: bool | None = False) -> Function:
    def function(call: Call) -> Value:
        (argument,) = call.numbers(1, 1)
        return call.number(call.graph.op(kind, argument), call.integral if whole is None else whole)

    return function


def _log10(call: Call) -> Value:
    (argument,) = call.numbers(1, 1)
    return call.number(call.graph.op("Div", call.graph.op("Log", argument), call.graph.constant(math.log(10.0))))


def half_up(graph: Graph, tensor: str) -> str:
    """Return the nearest whole number; of two that are as near, the larger one."""
    return graph.op("Floor", graph.op("Add", tensor, graph.constant(0.5)))


def _round(call: Call) -> Value:
    (argument,) = call.numbers(1, 1)
    return call.number(half_up(call.graph, argument), True)


def _modulo(call: Call) -> Value:
    graph = call.graph
    left, right = call.numbers(2, 2)
    whole = graph.op("Floor", graph.op("Div", left, right))
    return call.number(graph.op("Sub", left, graph.op("Mul", whole, right)), call.integral)


def _threshold(call: Call) -> Value:
    graph = call.graph
    left, right = call.numbers(2, 2)
    above = graph.cast(graph.op("Greater", left, right), DOUBLE)
    unknown = call.unknown(call.arguments)
    return call.number(above if unknown is None else graph.op("Where", unknown, graph.constant(math.nan), above), True)


def _aggregate(kind: str) -> Function:
    """Return an aggregate of the arguments that are not missing; missing if all are."""

    def function(call: Call) -> Value:
        graph = call.graph
        tensors = call.numbers(1)
        empty = {"Add": 0.0, "Mean": 0.0, "Mul": 1.0, "Min": math.inf, "Max": -math.inf}[kind]
        known = [graph.op("Not", graph.op("IsNaN", tensor)) for tensor in tensors]
        filled = [graph.op("Where", ok, tensor, graph.constant(empty)) for ok, tensor in zip(known, tensors, strict=True)]
        result = filled[0]
        for tensor in filled[1:]:
            result = graph.op("Add" if kind == "Mean" else kind, result, tensor)
        any_known = either(graph, known)
        assert any_known is not None  # noqa: S101  there is at least one argument
        if kind == "Mean":
            count = graph.cast(known[0], DOUBLE)
            for ok in known[1:]:
                count = graph.op("Add", count, graph.cast(ok, DOUBLE))
            result = graph.op("Div", result, count)
        return call.number(graph.op("Where", any_known, result, graph.constant(math.nan)), kind != "Mean" and call.integral)

    return function


def _is_missing(expected: bool) -> Function:
    def function(call: Call) -> Value:
        call.count(1, 1)
        absent = missing(call.graph, call.arguments[0])
        return call.boolean(Truth(absent if expected else call.graph.op("Not", absent)))

    return function


def _equal(call: Call, left: Value, right: Value) -> str:
    call.same_kind([left, right])
    if left.unseen and right.unseen:
        raise unsupported(call.element, "it compares two fields of type string, which may have values that are not in the document")
    return call.graph.op("Equal", left.tensor, right.tensor)


def _equality(expected: bool) -> Function:
    def function(call: Call) -> Value:
        call.count(2, 2)
        call.note_missing()
        result = Truth(_equal(call, *call.arguments), call.unknown(call.arguments))
        if not expected:
            result = negate(call.graph, result)
        return call.boolean(result)

    return function


def _order(kind: str) -> Function:
    def function(call: Call) -> Value:
        left, right = call.numbers(2, 2)
        call.note_missing()
        return call.boolean(Truth(call.graph.op(kind, left, right), call.unknown(call.arguments)))

    return function


def _membership(expected: bool) -> Function:
    def function(call: Call) -> Value:
        call.count(2)
        call.note_missing()
        value, *members = call.arguments
        found = either(call.graph, [_equal(call, value, member) for member in members])
        assert found is not None  # noqa: S101  there is at least one member
        if any(member.constant is None or math.isnan(member.constant) for member in members):
            raise unsupported(call.element, "a member of the set is not a constant")
        result = Truth(found, call.unknown([value]))
        return call.boolean(result if expected else negate(call.graph, result))

    return function


def _truths(call: Call, values: Sequence[Value]) -> list[Truth]:
    for value in values:
        if value.kind != "boolean":
            raise unsupported(call.element, f"an argument is a {value.data_type}, and the function needs booleans")
    return [from_column(call.graph, value.tensor) for value in values]


def _logic(combine: Callable[[Graph, Sequence[Truth]], Truth]) -> Function:
    def function(call: Call) -> Value:
        call.count(2)
        return call.boolean(combine(call.graph, _truths(call, call.arguments)))

    return function


def _not(call: Call) -> Value:
    call.count(1, 1)
    return call.boolean(negate(call.graph, _truths(call, call.arguments)[0]))


def _if(call: Call) -> Value:
    graph = call.graph
    call.count(2, 3)
    (condition,) = _truths(call, call.arguments[:1])
    arms = call.arguments[1:]
    call.same_kind(arms)
    nan = graph.constant(math.nan)
    tensor = graph.op("Where", condition.true, arms[0].tensor, arms[1].tensor if len(arms) == 2 else nan)
    if not call.arguments[0].present:
        call.note_missing()
        tensor = graph.op("Where", missing(graph, call.arguments[0]), nan, tensor)
    types = {arm.data_type for arm in arms}
    present = len(arms) == 2 and all(value.present for value in call.arguments)
    data_type = types.pop() if len(types) == 1 else "double"
    integral = all(arm.integral for arm in arms)
    return Value(tensor, data_type, arms[0].kind, integral, call._folded(), unseen=any(arm.unseen for arm in arms), present=present)


BUILT_IN: dict[str, Function] = {
    "+": _arithmetic("Add", True),
    "-": _arithmetic("Sub", True),
    "*": _arithmetic("Mul", True),
    "/": _arithmetic("Div", False),
    "pow": _arithmetic("Pow", False),
    "modulo": _modulo,
    "x-modulo": _modulo,
    "min": _aggregate("Min"),
    "max": _aggregate("Max"),
    "sum": _aggregate("Add"),
    "avg": _aggregate("Mean"),
    "product": _aggregate("Mul"),
    "ln": _unary("Log"),
    "log10": _log10,
    "sqrt": _unary("Sqrt"),
    "abs": _unary("Abs", None),
    "exp": _unary("Exp"),
    "floor": _unary("Floor", True),
    "ceil": _unary("Ceil", True),
    "round": _round,
    "rint": _unary("Round", True),
    "threshold": _threshold,
    "isMissing": _is_missing(True),
    "isNotMissing": _is_missing(False),
    "isNotValid": _is_missing(True),
    "isValid": _is_missing(False),
    "equal": _equality(True),
    "notEqual": _equality(False),
    "lessThan": _order("Less"),
    "lessOrEqual": _order("LessOrEqual"),
    "greaterThan": _order("Greater"),
    "greaterOrEqual": _order("GreaterOrEqual"),
    "isIn": _membership(True),
    "isNotIn": _membership(False),
    "and": _logic(conjunction),
    "or": _logic(disjunction),
    "not": _not,
    "if": _if,
}
"""The functions of numbers, booleans and comparisons. Functions that make new texts, dates or times are not among them."""
