"""Evaluates a model of any kind: its fields, its transformations, its equations or trees, its targets."""

from __future__ import annotations

from .dictionary import Dictionary
from .document import Element
from .expressions import define_derived
from .forest import Forest
from .general_regression import convert_general_regression
from .mining import MODELS, Opened, convert_mining
from .outcome import Outcome, Purpose, Target, apply_targets
from .refusal import malformed, unsupported
from .regression import convert_regression
from .schema import prepare, target_names
from .scope import Scope
from .scorecard import convert_scorecard
from .values import Value, kind_of


class DocumentModels:
    """The models of one document."""

    def __init__(self, root: Element, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._transformations = root.first("TransformationDictionary")

    def open(self, model: Element, outer: Scope, around: Target | None) -> Opened:
        """Prepare the fields of a model. `around` is the target of the model around it."""
        if model.get("isScorable", "true") in ("false", "0"):
            raise unsupported(model, "the document says that the model is not scorable")
        prepared = prepare(model, outer, self._dictionary)
        if around is None:
            define_derived(self._transformations, prepared.scope)
        define_derived(model.first("LocalTransformations"), prepared.scope)
        return Opened(prepared, self._target(model, around))

    def _target(self, model: Element, around: Target | None) -> Target:
        purpose = model.need("functionName") if model.tag != "Scorecard" else model.get("functionName", "regression")
        if purpose not in ("regression", "classification"):
            raise unsupported(model, f"models for {str(purpose)[:40]} are not supported")
        kind: Purpose = "regression" if purpose == "regression" else "classification"
        names = target_names(model)
        targets = model.first("Targets")
        named = None if targets is None else targets.first("Target")
        if not names and named is not None and "field" in named.attributes:
            names = [named.need("field")]
        known = [field for name in names if (field := self._dictionary.find(name)) is not None]
        if len(known) > 1 and kind == "classification":
            raise unsupported(model, "a classification with several target fields is not supported")
        if known:
            if kind == "classification" and known[0].optype == "ordinal" and model.tag == "GeneralRegressionModel":
                raise unsupported(model, "a general regression with an ordinal target is not supported")
            return Target(kind, known[0].data_type if kind == "classification" else "double", known[0])
        if around is not None and around.purpose == kind:
            return around
        return Target(kind, "string" if kind == "classification" else "double", None)

    def convert(self, model: Element, opened: Opened) -> Outcome:
        """Return the result of a model."""
        scope, target = opened.scope, opened.target
        if model.tag == "RegressionModel":
            outcome = convert_regression(model, scope, target)
        elif model.tag == "GeneralRegressionModel":
            outcome = convert_general_regression(model, scope, target)
        elif model.tag == "TreeModel":
            outcome = _tree(model, scope, target)
        elif model.tag == "Scorecard":
            outcome = convert_scorecard(model, scope, target)
        elif model.tag == "MiningModel":
            outcome = convert_mining(model, opened, self)
        else:
            raise unsupported(model, f"models of this kind are not supported; {', '.join(MODELS)} are")
        outcome = apply_targets(model, outcome, target, scope.context)
        return outcome.hidden_where(scope.context.graph, opened.prepared.rejected)


def _tree(model: Element, scope: Scope, target: Target) -> Outcome:
    """Return the result of a single tree."""
    graph = scope.context.graph
    forest = Forest(scope, target)
    forest.add(model, scope, target)
    if target.purpose == "regression":
        return Outcome("regression", Value(forest.values(), "double", "number"))
    classes = forest.classes
    if not classes:
        raise malformed(model, "no node of the tree has a class")
    probabilities = None
    if forest.has_probabilities:
        three = forest.probabilities(classes)
        probabilities = graph.op("Squeeze", three, graph.integers([1]))
    value = Value(forest.values(), target.data_type, kind_of(model, target.data_type), integral=True)
    return Outcome("classification", value, classes, probabilities)
