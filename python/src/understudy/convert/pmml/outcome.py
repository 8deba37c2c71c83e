"""What a model gives: a number, or a class with probabilities. And what `Targets` does to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from .context import Context
from .dictionary import DataField
from .document import Element
from .functions import half_up
from .graph import DOUBLE, Graph
from .refusal import malformed, unsupported
from .values import Value, literal, missing

Purpose = Literal["regression", "classification"]


@dataclass(frozen=True)
class Target:
    """What a model predicts."""

    purpose: Purpose
    data_type: str
    field: DataField | None
    """The field of the dictionary; inner models may have none."""

    def classes(self) -> tuple[float, ...]:
        """Return the classes that the dictionary lists."""
        return () if self.field is None else tuple(self.field.valid)


@dataclass(frozen=True)
class Outcome:
    """The result of a model. NaN is a missing result."""

    purpose: Purpose
    value: Value
    """The predicted number, or the predicted class as the number that stands for it."""
    classes: tuple[float, ...] = ()
    probabilities: str | None = None
    """A double tensor `[N, classes]`, if the model has probabilities."""

    def probability_of(self, graph: Graph, class_: float) -> str:
        """Return the column of one class, `[N, 1]`. Only if there are probabilities."""
        assert self.probabilities is not None  # noqa: S101  callers check it
        return graph.op("Gather", self.probabilities, graph.integers([self.classes.index(class_)]), axis=1)

    def hidden_where(self, graph: Graph, where: str | None) -> Outcome:
        """Return the same, with a missing result in some rows."""
        if where is None:
            return self
        nan = graph.constant(math.nan)
        probabilities = self.probabilities
        if probabilities is not None:
            probabilities = graph.op("Where", where, nan, probabilities)
        value = replace(self.value, tensor=graph.op("Where", where, nan, self.value.tensor))
        return replace(self, value=value, probabilities=probabilities)


def likeliest(graph: Graph, probabilities: str, classes: tuple[float, ...], data_type: str, kind_like: Value) -> Outcome:
    """Return the class with the largest probability; of equal ones, the first. Missing if any probability is."""
    first = graph.op("ArgMax", probabilities, axis=1, keepdims=1, select_last_index=0)
    chosen = graph.op("Gather", graph.constant(classes), first, axis=0)
    unknown = graph.op("IsNaN", graph.op("ReduceSum", probabilities, graph.integers([1]), keepdims=1))
    nan = graph.constant(math.nan)
    chosen = graph.op("Where", unknown, nan, chosen)
    probabilities = graph.op("Where", unknown, nan, probabilities)
    return Outcome("classification", replace(kind_like, tensor=chosen, data_type=data_type), classes, probabilities)


def regression(graph: Graph, tensor: str) -> Outcome:
    """Return a predicted number."""
    return Outcome("regression", Value(tensor, "double", "number"))


def apply_targets(model: Element, outcome: Outcome, target: Target, context: Context) -> Outcome:
    """Say what the element `Targets` of a model does to its result."""
    targets = model.first("Targets")
    if targets is None:
        return outcome
    elements = list(targets.all("Target"))
    if len(elements) != 1:
        raise unsupported(targets, "a model with several targets is not supported")
    element = elements[0]
    graph = context.graph
    values = list(element.all("TargetValue"))
    if outcome.purpose == "classification":
        return _priors(element, values, outcome, target, context)
    tensor = outcome.value.tensor
    low, high = element.optional_number("min"), element.optional_number("max")
    if low is not None:
        tensor = graph.op("Where", graph.op("Less", tensor, graph.constant(low)), graph.constant(low), tensor)
    if high is not None:
        tensor = graph.op("Where", graph.op("Greater", tensor, graph.constant(high)), graph.constant(high), tensor)
    factor, shift = element.number("rescaleFactor", 1.0), element.number("rescaleConstant", 0.0)
    if factor != 1.0:
        tensor = graph.op("Mul", tensor, graph.constant(factor))
    if shift != 0.0:
        tensor = graph.op("Add", tensor, graph.constant(shift))
    cast = element.get("castInteger")
    if cast == "round":
        tensor = half_up(graph, tensor)
    elif cast in ("ceiling", "floor"):
        tensor = graph.op("Ceil" if cast == "ceiling" else "Floor", tensor)
    elif cast is not None:
        raise malformed(element, f"castInteger {cast!r} is not one of PMML's")
    defaults = [value.number("defaultValue") for value in values if "defaultValue" in value.attributes]
    if len(defaults) > 1:
        raise unsupported(element, "there is more than one defaultValue")
    if defaults:
        if model.tag == "MiningModel":
            context.note(f"{element.place}: the defaultValue replaces every missing result, as PMML says; pypmml uses it for some")
        tensor = graph.op("Where", missing(graph, outcome.value), graph.constant(defaults[0]), tensor)
    return replace(outcome, value=replace(outcome.value, tensor=tensor))


def _priors(element: Element, values: list[Element], outcome: Outcome, target: Target, context: Context) -> Outcome:
    for name in ("min", "max", "rescaleFactor", "rescaleConstant", "castInteger"):
        if name in element.attributes and element.get(name) not in ("0", "0.0", "1", "1.0"):
            raise unsupported(element, f"{name} of a classification is not defined")
    priors = {
        literal(value, value.need("value"), target.data_type, context.vocabulary): value.number("priorProbability")
        for value in values
        if "priorProbability" in value.attributes
    }
    if not priors:
        return outcome
    if outcome.probabilities is None or set(priors) != set(outcome.classes):
        raise unsupported(element, "prior probabilities need one for each class, and a model with probabilities")
    graph = context.graph
    absent = missing(graph, outcome.value)
    row = [priors[class_] for class_ in outcome.classes]
    probabilities = graph.op("Where", absent, graph.constant([row]), outcome.probabilities)
    best = outcome.classes[row.index(max(row))]
    tensor = graph.op("Where", absent, graph.constant(best), outcome.value.tensor)
    return replace(outcome, value=replace(outcome.value, tensor=tensor), probabilities=probabilities)


def indicator(graph: Graph, codes: str, class_: float) -> str:
    """1 where the predicted class is this one, else 0, as a double."""
    return graph.cast(graph.op("Equal", codes, graph.constant(class_)), DOUBLE)
