"""Predicates of trees, segments and scorecards."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from .document import Element
from .graph import BOOL, FLOAT, Graph
from .refusal import malformed, unsupported
from .scope import Scope
from .truth import Truth, always, conjunction, disjunction, exclusive, surrogate
from .values import Value, full, literal, missing

PREDICATES = ("SimplePredicate", "SimpleSetPredicate", "CompoundPredicate", "True", "False")

_OPERATORS = {
    "equal": "Equal",
    "notEqual": "Equal",
    "lessThan": "Less",
    "lessOrEqual": "LessOrEqual",
    "greaterThan": "Greater",
    "greaterOrEqual": "GreaterOrEqual",
}

_ARRAY_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


@dataclass(frozen=True)
class Comparison:
    """A field compared with a constant, or with a set of them: a predicate that a tree's node can test itself."""

    value: Value
    operator: str
    number: float
    members: tuple[float, ...] = ()
    """The set, if the operator is isIn or isNotIn."""


def predicate_of(element: Element) -> Element:
    """Return the predicate among the children of a node, segment or attribute."""
    found = element.first(*PREDICATES)
    if found is None:
        raise malformed(element, "the predicate is missing")
    return found


def comparison(element: Element, scope: Scope) -> Comparison | None:
    """Return the comparison that a predicate is, or None if it is more than that."""
    if element.tag == "SimplePredicate":
        return _simple(element, scope)
    if element.tag == "SimpleSetPredicate":
        value, numbers, inside = _set(element, scope)
        if len(numbers) == 1:
            return Comparison(value, "equal" if inside else "notEqual", numbers[0])
        return Comparison(value, "isIn" if inside else "isNotIn", 0.0, numbers)
    return None


def truth(element: Element, scope: Scope) -> Truth:
    """Where a predicate is true, and where it is unknown."""
    graph = scope.context.graph
    if element.tag in ("True", "False"):
        return always(graph, element.tag == "True")
    if element.tag == "SimplePredicate":
        return _compare(graph, _simple(element, scope))
    if element.tag == "SimpleSetPredicate":
        return _membership(graph, *_set(element, scope))
    if element.tag == "CompoundPredicate":
        return _compound(element, scope)
    raise malformed(element, "this is not a predicate")


def _simple(element: Element, scope: Scope) -> Comparison:
    value = scope.field(element.need("field"), element)
    operator = element.need("operator")
    if operator in ("isMissing", "isNotMissing"):
        return Comparison(value, operator, math.nan)
    if operator not in _OPERATORS:
        raise malformed(element, f"the operator {operator[:40]!r} is not one of PMML's")
    if value.kind != "number" and operator not in ("equal", "notEqual"):
        raise unsupported(element, f"the order of values of type {value.data_type} is not defined")
    return Comparison(value, operator, literal(element, element.need("value"), value.data_type, scope.context.vocabulary))


def _compare(graph: Graph, simple: Comparison) -> Truth:
    tensor = full(graph, simple.value)
    unknown = missing(graph, simple.value)
    if simple.operator == "isMissing":
        return Truth(unknown)
    if simple.operator == "isNotMissing":
        return Truth(graph.op("Not", unknown))
    true = graph.op(_OPERATORS[simple.operator], tensor, graph.constant(simple.number))
    if simple.operator == "notEqual":
        true = graph.op("Not", graph.op("Or", true, unknown))
    return Truth(true, unknown)


def _set(element: Element, scope: Scope) -> tuple[Value, tuple[float, ...], bool]:
    value = scope.field(element.need("field"), element)
    operator = element.need("booleanOperator")
    if operator not in ("isIn", "isNotIn"):
        raise malformed(element, f"the operator {operator[:40]!r} is not one of PMML's")
    array = element.the("Array")
    texts = array_items(array)
    numbers = tuple(sorted({literal(array, text, value.data_type, scope.context.vocabulary) for text in texts}))
    if not numbers:
        raise unsupported(array, "an empty set is not supported")
    return value, numbers, operator == "isIn"


def array_items(array: Element) -> list[str]:
    """Return the items of an `Array`: separated by blanks, in double quotes if they hold blanks."""
    items = [
        re.sub(r'\\(["\\])', r"\1", match[1]) if match[1] is not None else match[2] for match in _ARRAY_ITEM.finditer(array.text)
    ]
    count = array.optional_number("n")
    if count is not None and count != len(items):
        raise malformed(array, f"the array says that it has {count:g} items, and it has {len(items)}")
    return items


def _membership(graph: Graph, value: Value, numbers: tuple[float, ...], inside: bool) -> Truth:
    tensor = full(graph, value)
    unknown = missing(graph, value)
    equal = graph.cast(graph.op("Equal", tensor, graph.constant(np.asarray([numbers]))), FLOAT)
    found = graph.cast(graph.op("ReduceMax", equal, axes=(1,), keepdims=1), BOOL)
    return Truth(found if inside else graph.op("Not", graph.op("Or", found, unknown)), unknown)


def _compound(element: Element, scope: Scope) -> Truth:
    graph = scope.context.graph
    parts = [truth(child, scope) for child in element.all(*PREDICATES)]
    operator = element.need("booleanOperator")
    if not parts:
        raise malformed(element, "a compound predicate needs predicates")
    if operator == "and":
        return conjunction(graph, parts)
    if operator == "or":
        return disjunction(graph, parts)
    if operator == "xor":
        scope.context.note(f"{element.place}: pypmml takes xor for false")
        return exclusive(graph, parts)
    if operator == "surrogate":
        if element.parent is not None and element.parent.tag in ("CompoundPredicate", "Attribute"):
            scope.context.note(
                f"{element.place}: pypmml takes a surrogate that is true, because a value is missing, for false here"
            )
        return surrogate(graph, parts)
    raise malformed(element, f"the operator {operator[:40]!r} is not one of PMML's")
