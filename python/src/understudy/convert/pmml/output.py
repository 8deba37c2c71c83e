"""The Output of a model: names for its results, which later models of a chain read as fields."""

from __future__ import annotations

import math
from dataclasses import replace

from .document import Element
from .expressions import evaluate, expression_of
from .outcome import Outcome, Target
from .refusal import unsupported
from .scope import Scope
from .values import Value, cast, full, literal


def define_outputs(model: Element, outcome: Outcome, target: Target, inner: Scope, outer: Scope, off: str | None) -> None:
    """Make the output fields of a model known to the scope around it. `off`: where the model was not evaluated."""
    output = model.first("Output")
    if output is None:
        return
    # Output fields see the fields of their model and the output fields before them.
    own = Scope(inner.context, inner)
    for element in output.all("OutputField"):

        def make(element: Element = element) -> Value:
            value = _field(element, outcome, target, own)
            if off is None:
                return value
            graph = own.context.graph
            return replace(value, tensor=graph.op("Where", off, graph.constant(math.nan), full(graph, value)), constant=None)

        own.define(element.need("name"), make)
        outer.define(element.need("name"), make)


def _field(element: Element, outcome: Outcome, target: Target, own: Scope) -> Value:
    graph = own.context.graph
    feature = element.get("feature", "predictedValue")
    data_type = element.get("dataType")
    if "segmentId" in element.attributes:
        raise unsupported(element, "an output field of one segment is not supported")
    if "isMultiValued" in element.attributes and element.get("isMultiValued") not in ("0", "false"):
        raise unsupported(element, "an output field of several values is not supported")
    if feature == "predictedValue":
        value = outcome.value
    elif feature == "probability":
        if outcome.probabilities is None:
            raise unsupported(element, "the model has no probabilities")
        if "value" in element.attributes:
            class_ = literal(element, element.need("value"), target.data_type, own.context.vocabulary)
            if class_ not in outcome.classes:
                raise unsupported(element, "the value is not one of the classes of the model")
            value = Value(outcome.probability_of(graph, class_), "double", "number")
        else:
            value = Value(graph.op("ReduceMax", outcome.probabilities, axes=(1,), keepdims=1), "double", "number")
    elif feature in ("transformedValue", "decision"):
        value = evaluate(expression_of(element), own, data_type)
    else:
        raise unsupported(element, f"output fields of the feature {str(feature)[:40]!r} are not supported")
    return value if data_type is None else cast(graph, element, value, data_type)


def note_unused(model: Element, scope: Scope) -> None:
    """Say which output fields of the outermost model are not outputs of the graph."""
    output = model.first("Output")
    lost = []
    for element in [] if output is None else output.all("OutputField"):
        if element.get("feature", "predictedValue") not in ("predictedValue", "probability"):
            lost.append(element.need("name"))
    if lost:
        names = ", ".join(repr(name[:60]) for name in lost[:10])
        scope.context.note(f"{model.place}/Output: these fields are not outputs of the converted model: {names}")
