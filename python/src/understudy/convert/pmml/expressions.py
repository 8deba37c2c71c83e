"""Expressions: constants, references, functions, and the fields that are derived with them."""

from __future__ import annotations

import math
from dataclasses import replace

from .context import MAX_EVALUATIONS
from .dictionary import FLOATS
from .document import Element
from .functions import BUILT_IN, Call
from .mappings import discretize, map_values, norm_continuous, norm_discrete
from .refusal import malformed, unsupported
from .scope import Scope
from .values import Value, cast, constant, is_whole, kind_of, literal, missing, replaced

EXPRESSIONS = (
    "Constant",
    "FieldRef",
    "NormContinuous",
    "NormDiscrete",
    "Discretize",
    "MapValues",
    "Apply",
    "TextIndex",
    "Aggregate",
    "Lag",
)

MAX_CALLS = 60
"""How deep calls of functions nest at most, those that the document defines included."""


def expression_of(element: Element) -> Element:
    """Return the expression among the children of an element."""
    found = element.first(*EXPRESSIONS)
    if found is None:
        raise unsupported(element, "it has no expression that is supported")
    return found


def define_derived(parent: Element | None, scope: Scope) -> None:
    """Make the derived fields of `TransformationDictionary` or `LocalTransformations` known to a scope."""
    if parent is None:
        return
    for element in parent.all("DefineFunction"):
        scope.functions[element.need("name")] = element
    for element in parent.all("DerivedField"):
        name = element.need("name")
        scope.define(name, lambda element=element: derived(element, scope))  # type: ignore[misc]


def derived(element: Element, scope: Scope) -> Value:
    """Return the value of a `DerivedField`."""
    data_type = element.need("dataType")
    value = evaluate(expression_of(element), scope, data_type)
    if data_type == "float" and value.data_type != "float" and not value.integral:
        scope.context.note_field(FLOATS, element.need("name"))
    return cast(scope.context.graph, element, value, data_type)


def evaluate(element: Element, scope: Scope, wanted: str | None = None, depth: int = 0) -> Value:
    """Return the value of an expression. `wanted` is the type of a constant that does not say its own."""
    if depth > MAX_CALLS:
        raise unsupported(element, f"functions are nested deeper than {MAX_CALLS}")
    if not scope.context.evaluates():
        raise unsupported(element, f"more than {MAX_EVALUATIONS} expressions are evaluated, because functions call functions")
    graph = scope.context.graph
    if element.tag == "Constant":
        return _constant(element, scope, wanted)
    if element.tag == "FieldRef":
        value = scope.field(element.need("field"), element)
        return _replace_missing(element, scope, value)
    if element.tag == "NormContinuous":
        return norm_continuous(element, scope)
    if element.tag == "NormDiscrete":
        return norm_discrete(element, scope)
    if element.tag == "Discretize":
        return discretize(element, scope, wanted)
    if element.tag == "MapValues":
        return map_values(element, scope, wanted)
    if element.tag == "Apply":
        arguments, result = _apply(element, scope, depth)
        if "mapMissingTo" in element.attributes:
            number = _literal_like(element, scope, result, "mapMissingTo")
            tensor = result.tensor
            for argument in arguments:
                tensor = graph.op("Where", missing(graph, argument), graph.constant(number), tensor)
            integral = result.integral and is_whole(number)
            result = replace(result, tensor=tensor, constant=None if result.constant is None else math.nan, integral=integral)
        if "defaultValue" in element.attributes:
            number = _literal_like(element, scope, result, "defaultValue")
            result = replaced(graph, result, number)
        return result
    raise unsupported(element, f"{element.tag} is not supported")


def _constant(element: Element, scope: Scope, wanted: str | None) -> Value:
    graph = scope.context.graph
    data_type = element.get("dataType") or wanted
    if element.get("missing", "false") in ("true", "1"):
        data_type = data_type or "double"
        return constant(graph, math.nan, data_type, kind_of(element, data_type))
    text = element.text
    if data_type is None:
        stripped = text.strip()
        try:
            float(stripped)
            data_type = "integer" if stripped.lstrip("+-").isdigit() else "double"
        except ValueError:
            data_type = "string"
    if data_type != "string":
        text = text.strip()
    kind = kind_of(element, data_type)
    return constant(graph, literal(element, text, data_type, scope.context.vocabulary), data_type, kind)


def _replace_missing(element: Element, scope: Scope, value: Value) -> Value:
    if "mapMissingTo" not in element.attributes:
        return value
    graph = scope.context.graph
    number = _literal_like(element, scope, value, "mapMissingTo")
    return replaced(graph, value, number)


def _literal_like(element: Element, scope: Scope, value: Value, attribute: str) -> float:
    number = literal(element, element.need(attribute), value.data_type, scope.context.vocabulary)
    if value.data_type == "integer" and not is_whole(number):
        raise unsupported(element, f"{attribute} is not a whole number, but the field is an integer")
    return number


def _apply(element: Element, scope: Scope, depth: int) -> tuple[list[Value], Value]:
    """Return the arguments of a call and its result."""
    name = element.need("function")
    if element.get("invalidValueTreatment", "returnInvalid") not in ("returnInvalid", "asIs", "asMissing"):
        raise malformed(element, "the invalidValueTreatment is not one of PMML's")
    parts = [child for child in element.children if child.tag in EXPRESSIONS]
    if name in scope.functions:
        arguments = [evaluate(part, scope, None, depth + 1) for part in parts]
        return arguments, _call_defined(element, scope.functions[name], arguments, scope, depth)
    function = BUILT_IN.get(name)
    if function is None:
        raise unsupported(element, f"the function {name[:60]!r} is not supported")
    # A constant without a type has the type of what it is compared with.
    made: list[Value | None] = [
        None if part.tag == "Constant" and "dataType" not in part.attributes else evaluate(part, scope, None, depth + 1)
        for part in parts
    ]
    alike = next((value.data_type for i, value in enumerate(made) if value is not None and not (name == "if" and i == 0)), None)
    arguments = [
        value if value is not None else evaluate(part, scope, "string" if alike == "string" else None, depth + 1)
        for part, value in zip(parts, made, strict=True)
    ]
    return arguments, function(Call(element, scope, arguments))


def _call_defined(element: Element, function: Element, arguments: list[Value], scope: Scope, depth: int) -> Value:
    graph = scope.context.graph
    parameters = list(function.all("ParameterField"))
    if len(parameters) != len(arguments):
        raise malformed(element, f"the function has {len(parameters)} parameters, and the call {len(arguments)} arguments")
    inner = Scope(scope.context)
    inner.functions = scope.functions
    for parameter, argument in zip(parameters, arguments, strict=True):
        data_type = parameter.get("dataType")
        inner.define(parameter.need("name"), argument if data_type is None else cast(graph, parameter, argument, data_type))
    result = evaluate(expression_of(function), inner, function.get("dataType"), depth + 1)
    data_type = function.get("dataType")
    return result if data_type is None else cast(graph, function, result, data_type)
