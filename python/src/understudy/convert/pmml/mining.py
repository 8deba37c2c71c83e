"""MiningModel: several models, one of which is chosen, or whose results are combined, or that follow one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .combine import Votes, combine_numbers, combine_probabilities, count_votes
from .document import Element
from .forest import Forest
from .outcome import Outcome, Target
from .output import define_outputs
from .predicates import predicate_of, truth
from .refusal import malformed, unsupported
from .schema import Prepared
from .scope import Scope
from .truth import Truth
from .values import Value, kind_of

MODELS = ("RegressionModel", "GeneralRegressionModel", "TreeModel", "MiningModel", "Scorecard")

_NUMBERS = ("sum", "average", "weightedAverage", "median", "weightedSum", "x-weightedSum")
_PROBABILITIES = ("average", "weightedAverage", "median", "max")
_VOTES = ("majorityVote", "weightedMajorityVote")


@dataclass(frozen=True)
class Opened:
    """A model whose fields are prepared, but that is not evaluated yet."""

    prepared: Prepared
    target: Target

    @property
    def scope(self) -> Scope:
        """The fields that the model sees."""
        return self.prepared.scope


class Models(Protocol):
    """What evaluates models of any kind: it is given to this module, which it uses itself."""

    def open(self, model: Element, outer: Scope, around: Target | None) -> Opened:
        """Prepare the fields of a model."""

    def convert(self, model: Element, opened: Opened) -> Outcome:
        """Evaluate a model."""


@dataclass(frozen=True)
class Segment:
    """A model, where it applies, and its weight."""

    element: Element
    model: Element
    applies: Truth
    weight: float


def convert_mining(model: Element, opened: Opened, models: Models) -> Outcome:
    """Return the result of a `MiningModel`."""
    segmentation = model.first("Segmentation")
    if segmentation is None:
        raise unsupported(model, "a model composition without a Segmentation is not supported")
    method = segmentation.need("multipleModelMethod")
    if method in ("selectFirst", "modelChain") and model.first("Targets") is not None:
        opened.scope.context.note(f"{model.place}/Targets: they are applied to the result, as PMML says; pypmml ignores them here")
    if method == "modelChain":
        return _chain(model, segmentation, opened, models)
    segments = [_segment(element, opened.scope) for element in segmentation.all("Segment")]
    if not segments:
        raise malformed(segmentation, "it has no segments")
    if method == "selectFirst":
        return _first(segmentation, segments, opened, models)
    purpose = opened.target.purpose
    if purpose == "regression" and method in _NUMBERS:
        return combine_numbers(segmentation, method, _votes(segmentation, segments, opened, models, False), opened.scope)
    if purpose == "classification" and method in _VOTES:
        votes = _votes(segmentation, segments, opened, models, False)
        return count_votes(segmentation, method, votes, opened.scope, opened.target)
    if purpose == "classification" and method in _PROBABILITIES:
        votes = _votes(segmentation, segments, opened, models, True)
        return combine_probabilities(segmentation, method, votes, opened.scope, opened.target)
    raise unsupported(segmentation, f"the multipleModelMethod {method[:40]!r} of a {purpose} is not supported")


def _segment(element: Element, scope: Scope) -> Segment:
    model = element.first(*MODELS)
    if model is None:
        kinds = [child.tag for child in element.children if child.tag.endswith(("Model", "Network", "Card"))]
        raise unsupported(element, f"it has no model of a kind that is supported{f': {kinds[0]}' if kinds else ''}")
    if element.first("VariableWeight") is not None:
        raise unsupported(element, "a weight that is a field is not supported")
    return Segment(element, model, truth(predicate_of(element), scope), element.number("weight", 1.0))


def _votes(segmentation: Element, segments: list[Segment], opened: Opened, models: Models, with_probabilities: bool) -> Votes:
    """Return the results of all segments, side by side."""
    graph = opened.scope.context.graph
    inner = [models.open(segment.model, opened.scope, opened.target) for segment in segments]
    for segment, each in zip(segments, inner, strict=True):
        if each.target.purpose != opened.target.purpose:
            raise unsupported(segment.model, f"a {each.target.purpose} in a {opened.target.purpose} needs a model chain")
    weights = [segment.weight for segment in segments]
    applies: str | None = None
    if any(segment.applies.always is not True for segment in segments):
        masks = [graph.op("Expand", segment.applies.true, graph.rows) for segment in segments]
        applies = graph.op("Concat", *masks, axis=1)
    trees = all(
        segment.model.tag == "TreeModel" and segment.model.first("Targets") is None and each.prepared.rejected is None
        for segment, each in zip(segments, inner, strict=True)
    )
    if trees:
        forest = Forest(opened.scope, opened.target)
        for segment, each in zip(segments, inner, strict=True):
            forest.add(segment.model, each.scope, each.target)
        if with_probabilities and not forest.has_probabilities:
            raise unsupported(segmentation, "a leaf of a tree has no probabilities, and they are combined")
        classes = forest.classes if opened.target.purpose == "classification" else ()
        probabilities = forest.probabilities(classes) if with_probabilities else None
        return Votes(forest.values(), applies, weights, classes, probabilities)
    outcomes = [models.convert(segment.model, each) for segment, each in zip(segments, inner, strict=True)]
    classes = _union(opened.target, outcomes)
    values = graph.op("Concat", *(outcome.value.tensor for outcome in outcomes), axis=1)
    if not with_probabilities:
        return Votes(values, applies, weights, classes, None)
    stacked = []
    for segment, outcome in zip(segments, outcomes, strict=True):
        if outcome.probabilities is None:
            raise unsupported(segment.model, "the model has no probabilities, and they are combined")
        columns = [
            outcome.probability_of(graph, class_)
            if class_ in outcome.classes
            else graph.op("Expand", graph.constant(0.0), graph.rows)
            for class_ in classes
        ]
        stacked.append(graph.op("Unsqueeze", graph.op("Concat", *columns, axis=1), graph.integers([1])))
    return Votes(values, applies, weights, classes, graph.op("Concat", *stacked, axis=1))


def _union(target: Target, outcomes: list[Outcome]) -> tuple[float, ...]:
    classes = dict.fromkeys(target.classes())
    for outcome in outcomes:
        classes.update(dict.fromkeys(outcome.classes))
    return tuple(classes)


def _first(segmentation: Element, segments: list[Segment], opened: Opened, models: Models) -> Outcome:
    """Return the result of the first segment whose predicate is true; a missing one if there is none."""
    outcomes = []
    for segment in segments:
        inner = models.open(segment.model, opened.scope, opened.target)
        if inner.target.purpose != opened.target.purpose:
            raise unsupported(segment.model, f"a {inner.target.purpose} cannot be the result of a {opened.target.purpose}")
        outcomes.append(models.convert(segment.model, inner))
    return _choose(segmentation, [segment.applies for segment in segments], outcomes, opened)


def _choose(element: Element, applies: list[Truth], outcomes: list[Outcome], opened: Opened) -> Outcome:
    """Return the first outcome whose truth holds."""
    graph = opened.scope.context.graph
    nan = graph.constant(float("nan"))
    classes = _union(opened.target, outcomes)
    with_probabilities = [outcome.probabilities is not None for outcome in outcomes]
    if any(with_probabilities) and not all(with_probabilities):
        raise unsupported(element, "some of the models have probabilities, and others not")
    value = graph.op("Expand", nan, graph.rows)
    probabilities = value
    for truth_, outcome in zip(reversed(applies), reversed(outcomes), strict=True):
        value = graph.op("Where", truth_.true, outcome.value.tensor, value)
        if outcome.probabilities is not None:
            columns = [
                outcome.probability_of(graph, class_)
                if class_ in outcome.classes
                else graph.op("Expand", graph.constant(0.0), graph.rows)
                for class_ in classes
            ]
            probabilities = graph.op("Where", truth_.true, graph.op("Concat", *columns, axis=1), probabilities)
    target = opened.target
    kind = "number" if target.purpose == "regression" else kind_of(element, target.data_type)
    data_type = "double" if target.purpose == "regression" else target.data_type
    return Outcome(
        target.purpose, Value(value, data_type, kind), classes, probabilities if all(with_probabilities) and classes else None
    )


def _chain(model: Element, segmentation: Element, opened: Opened, models: Models) -> Outcome:
    """Models that read the outputs of those before them. The last one that applies gives the result."""
    graph = opened.scope.context.graph
    applies: list[Truth] = []
    outcomes: list[Outcome] = []
    elements = list(segmentation.all("Segment"))
    if not elements:
        raise malformed(segmentation, "it has no segments")
    for element in elements:
        segment = _segment(element, opened.scope)
        inner = models.open(segment.model, opened.scope, opened.target)
        outcome = models.convert(segment.model, inner)
        off = None if segment.applies.always is True else graph.op("Not", segment.applies.true)
        define_outputs(segment.model, outcome, inner.target, inner.scope, opened.scope, off)
        applies.append(segment.applies)
        outcomes.append(outcome)
    if applies[-1].always is True:
        last = outcomes[-1]
        if last.purpose != opened.target.purpose:
            raise unsupported(model, f"the last model of the chain is a {last.purpose}, and the chain a {opened.target.purpose}")
        return last
    if any(outcome.purpose != opened.target.purpose for outcome in outcomes):
        raise unsupported(segmentation, "which model gives the result depends on the row, and not all have the same function")
    return _choose(segmentation, applies[::-1], outcomes[::-1], opened)
