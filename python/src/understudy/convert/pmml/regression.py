"""RegressionModel: linear equations with numeric and categorical predictors, and what makes probabilities of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .document import Element
from .graph import DOUBLE
from .links import inverse_link
from .outcome import Outcome, Target, likeliest, regression
from .refusal import malformed, unsupported
from .scope import Scope
from .values import Value, full, kind_of, literal


def convert_regression(model: Element, scope: Scope, target: Target) -> Outcome:
    """Return the result of a `RegressionModel`."""
    graph = scope.context.graph
    method = model.get("normalizationMethod", "none") or "none"
    tables = list(model.all("RegressionTable"))
    if target.purpose == "regression":
        if len(tables) != 1:
            raise malformed(model, f"a regression has one RegressionTable, and this one {len(tables)}")
        if method == "simplemax":
            raise unsupported(model, "simplemax of a regression is not defined")
        return regression(graph, inverse_link(graph, model, method, _linear(tables[0], scope)))
    if len(tables) < 2:
        raise malformed(model, "a classification has a RegressionTable for each class")
    classes = tuple(literal(table, table.need("targetCategory"), target.data_type, scope.context.vocabulary) for table in tables)
    if len(set(classes)) != len(classes):
        raise malformed(model, "two tables have the same targetCategory")
    if target.field is not None and target.field.valid and set(target.field.valid) != set(classes):
        raise unsupported(model, "the tables are not about the values of the target field, one for each")
    probabilities = _normalized(model, tables, scope, target, method)
    like = Value("", target.data_type, kind_of(model, target.data_type), integral=True)
    return likeliest(graph, probabilities, classes, target.data_type, like)


def _normalized(model: Element, tables: list[Element], scope: Scope, target: Target, method: str) -> str:
    graph = scope.context.graph
    if method in ("softmax", "simplemax"):
        scores = graph.op("Concat", *(_linear(table, scope) for table in tables), axis=1)
        if method == "softmax":
            return graph.op("Softmax", scores, axis=1)
        return graph.op("Div", scores, graph.op("ReduceSum", scores, graph.integers([1]), keepdims=1))
    if target.field is not None and target.field.optype == "ordinal":
        raise unsupported(model, f"an ordinal target with the normalization {method!r} is not supported")
    one = graph.constant(1.0)
    if len(tables) > 2:
        if method != "none":
            raise unsupported(model, f"the normalization {method!r} of more than two classes is not defined")
        equations = [_linear(table, scope) for table in tables[:-1]]
        # An equation with a missing value makes all probabilities missing, also if it is the one that is not used.
        unused = graph.op("IsNaN", _linear(tables[-1], scope))
        last = graph.op("Where", unused, graph.constant(math.nan), graph.constant(0.0))
        rest = graph.op("Sub", one, graph.op("Add", _total(scope, equations), last))
        return graph.op("Concat", *equations, rest, axis=1)
    if method == "none":
        first = _linear(tables[0], scope)
        zero = graph.constant(0.0)
        first = graph.op("Where", graph.op("Less", first, zero), zero, first)
        first = graph.op("Where", graph.op("Greater", first, one), one, first)
        return graph.op("Concat", first, graph.op("Sub", one, first), axis=1)
    trivial = [_is_trivial(table) for table in tables]
    if trivial == [False, False] or trivial == [True, True]:
        raise unsupported(model, "one of the two equations must be zero: consumers disagree on which one decides")
    decides = 0 if trivial[1] else 1
    p = inverse_link(graph, model, method, _linear(tables[decides], scope))
    rest = graph.op("Sub", one, p)
    return graph.op("Concat", *((p, rest) if decides == 0 else (rest, p)), axis=1)


def _is_trivial(table: Element) -> bool:
    return table.first("NumericPredictor", "CategoricalPredictor", "PredictorTerm") is None and table.number("intercept") == 0


def _total(scope: Scope, tensors: Sequence[str]) -> str:
    result = tensors[0]
    for tensor in tensors[1:]:
        result = scope.context.graph.op("Add", result, tensor)
    return result


def _linear(table: Element, scope: Scope) -> str:
    """Return the value of an equation, `[N, 1]`. A missing number makes it missing; a missing category adds nothing."""
    graph = scope.context.graph
    parts: list[str] = []
    numeric = list(table.all("NumericPredictor"))
    if numeric:
        columns = [full(graph, _numeric(predictor, predictor.need("name"), scope)) for predictor in numeric]
        stacked = graph.op("Concat", *columns, axis=1)
        exponents = [predictor.number("exponent", 1.0) for predictor in numeric]
        if any(exponent != 1.0 for exponent in exponents):
            stacked = graph.op("Pow", stacked, graph.constant([exponents]))
            # x to the power of 0 is 1, also where x is missing.
            absent = graph.op("IsNaN", graph.op("Concat", *columns, axis=1))
            stacked = graph.op("Where", absent, graph.constant(math.nan), stacked)
        parts.append(_weighted(scope, stacked, [predictor.number("coefficient") for predictor in numeric]))
    categorical = list(table.all("CategoricalPredictor"))
    if categorical:
        fields = [scope.field(predictor.need("name"), predictor) for predictor in categorical]
        wanted = [
            literal(predictor, predictor.need("value"), value.data_type, scope.context.vocabulary)
            for predictor, value in zip(categorical, fields, strict=True)
        ]
        stacked = graph.op("Concat", *(full(graph, value) for value in fields), axis=1)
        found = graph.cast(graph.op("Equal", stacked, graph.constant([wanted])), DOUBLE)
        parts.append(_weighted(scope, found, [predictor.number("coefficient") for predictor in categorical]))
    for term in table.all("PredictorTerm"):
        product = graph.constant(term.number("coefficient"))
        references = list(term.all("FieldRef"))
        if not references:
            raise malformed(term, "a term needs fields")
        for reference in references:
            if "mapMissingTo" in reference.attributes:
                raise unsupported(reference, "mapMissingTo within a term is not supported")
            product = graph.op("Mul", product, full(graph, _numeric(reference, reference.need("field"), scope)))
        parts.append(product)
    intercept = graph.constant(table.number("intercept"))
    if not parts:
        return graph.op("Expand", intercept, graph.rows)
    return graph.op("Add", _total(scope, parts), intercept)


def _numeric(element: Element, name: str, scope: Scope) -> Value:
    value = scope.field(name, element)
    if value.kind != "number":
        raise unsupported(element, f"the field {name!r} is a {value.data_type}, and a number is needed")
    return value


def _weighted(scope: Scope, stacked: str, coefficients: list[float]) -> str:
    graph = scope.context.graph
    weighted = graph.op("Mul", stacked, graph.constant([coefficients]))
    return graph.op("ReduceSum", weighted, graph.integers([1]), keepdims=1)
