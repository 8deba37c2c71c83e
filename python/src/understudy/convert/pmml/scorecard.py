"""Scorecard: the sum of partial scores, one for each characteristic."""

from __future__ import annotations

import math

from .document import Element
from .expressions import evaluate, expression_of
from .outcome import Outcome, Target, regression
from .predicates import predicate_of, truth
from .refusal import malformed, unsupported
from .scope import Scope
from .values import full


def convert_scorecard(model: Element, scope: Scope, target: Target) -> Outcome:
    """Return the result of a `Scorecard`. Reason codes are not part of it."""
    if target.purpose != "regression":
        raise unsupported(model, "a scorecard that is not a regression is not supported")
    graph = scope.context.graph
    if model.get("useReasonCodes", "true") == "true":
        scope.context.note(f"{model.place}: reason codes are not outputs of the converted model")
    total = graph.constant(model.number("initialScore", 0.0))
    for characteristic in model.the("Characteristics").all("Characteristic"):
        total = graph.op("Add", total, _partial(characteristic, scope))
    return regression(graph, total)


def _partial(characteristic: Element, scope: Scope) -> str:
    """Return the score of the first attribute whose predicate is true; missing if none is."""
    graph = scope.context.graph
    attributes = list(characteristic.all("Attribute"))
    if not attributes:
        raise malformed(characteristic, "a characteristic needs attributes")
    score = graph.op("Expand", graph.constant(math.nan), graph.rows)
    for attribute in reversed(attributes):
        complex_score = attribute.first("ComplexPartialScore")
        if complex_score is not None:
            value = evaluate(expression_of(complex_score), scope, "double")
            if value.kind != "number":
                raise unsupported(complex_score, f"the score is a {value.data_type}, and a number is needed")
            own = full(graph, value)
        else:
            own = graph.constant(attribute.number("partialScore"))
        score = graph.op("Where", truth(predicate_of(attribute), scope).true, own, score)
    return score
