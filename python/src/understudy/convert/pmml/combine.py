"""How the results of several models become one: sums, means, medians and votes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .document import Element
from .graph import DOUBLE, INT64, Graph
from .outcome import Outcome, Target, likeliest, regression
from .refusal import malformed
from .scope import Scope
from .values import Value, kind_of


@dataclass(frozen=True)
class Votes:
    """The results of the models, side by side."""

    values: str
    """Numbers or classes, `[N, models]`."""
    applies: str | None
    """Where a model applies, a tensor of bool `[N, models]`. None: everywhere."""
    weights: Sequence[float]
    classes: tuple[float, ...]
    probabilities: str | None
    """`[N, models, classes]`"""


@dataclass(frozen=True)
class _Counted:
    """Which results count."""

    counts: str
    """Whether a result counts, `[N, models]`, bool."""
    weights: str
    """The weight of each result that counts, else 0, `[N, models]`."""
    nothing: str
    """Where there is no result at all, `[N, 1]`, bool."""


def _counted(segmentation: Element, graph: Graph, votes: Votes, absent: str, weighted: bool) -> _Counted:
    """Which results count. `absent`: where a result is missing, `[N, models]`."""
    axis = graph.integers([1])
    everywhere = graph.op("Equal", absent, absent)
    applies = votes.applies or everywhere
    treatment = segmentation.get("missingPredictionTreatment", "continue")
    weights = graph.constant([list(votes.weights) if weighted else [1.0] * len(votes.weights)])
    zero = graph.constant(0.0)
    used = graph.op("Where", applies, weights, zero)
    relevant = graph.op("And", applies, absent)
    nothing: str | None = None
    if treatment == "skipSegment":
        lost = graph.op("ReduceSum", graph.op("Where", relevant, weights, zero), axis, keepdims=1)
        total = graph.op("ReduceSum", used, axis, keepdims=1)
        threshold = segmentation.number("missingThreshold", 1.0)
        nothing = graph.op("Greater", graph.op("Div", lost, total), graph.constant(threshold))
        applies = graph.op("And", applies, graph.op("Not", absent))
        used = graph.op("Where", applies, weights, zero)
    elif treatment == "returnMissing":
        nothing = _any(graph, relevant)
    elif treatment != "continue":
        raise malformed(segmentation, "the missingPredictionTreatment is not one of PMML's")
    none_left = graph.op("Not", _any(graph, applies))
    return _Counted(applies, used, none_left if nothing is None else graph.op("Or", nothing, none_left))


def _any(graph: Graph, mask: str) -> str:
    return graph.op("Greater", graph.op("ReduceMax", graph.cast(mask, DOUBLE), axes=(1,), keepdims=1), graph.constant(0.0))


def _total(graph: Graph, tensor: str) -> str:
    return graph.op("ReduceSum", tensor, graph.integers([1]), keepdims=1)


def combine_numbers(segmentation: Element, method: str, votes: Votes, scope: Scope) -> Outcome:
    """Return the sum, mean or median of numbers."""
    graph = scope.context.graph
    weighted = method in ("weightedAverage", "weightedSum", "x-weightedSum")
    counted = _counted(segmentation, graph, votes, graph.op("IsNaN", votes.values), weighted)
    zero = graph.constant(0.0)
    if method == "median":
        _note_median(segmentation, scope)
        result = _median(graph, votes.values, counted.counts)
    else:
        values = graph.op("Where", counted.counts, votes.values, zero)
        result = _total(graph, graph.op("Mul", values, counted.weights) if weighted else values)
        if method in ("average", "weightedAverage"):
            result = graph.op("Div", result, _total(graph, counted.weights))
    return regression(graph, graph.op("Where", counted.nothing, graph.constant(math.nan), result))


def _median(graph: Graph, values: str, counts: str) -> str:
    """Return the median of the items that count along axis 1. A missing item that counts makes it missing."""
    filled = graph.op("Where", counts, values, graph.constant(math.inf))
    unknown = graph.op("IsNaN", _total(graph, graph.op("Where", counts, values, graph.constant(0.0))))
    # The order of NaN is not defined. Where there is one, the result is missing anyway.
    clean = graph.op("Where", graph.op("IsNaN", filled), graph.constant(math.inf), filled)
    size = graph.op("Gather", graph.op("Shape", clean), graph.integers([1]), axis=0)
    ordered = graph.outputs_of("TopK", [clean, size], 2, axis=1, largest=0, sorted=1)[0]
    number = graph.cast(_total(graph, graph.cast(counts, DOUBLE)), INT64)
    half = graph.op("Div", number, graph.integers(2))
    other = graph.op("Div", graph.op("Sub", number, graph.integers(1)), graph.integers(2))
    top = graph.op("Max", half, graph.integers(0))
    last = graph.op("Sub", size, graph.integers(1))
    high = graph.op("GatherElements", ordered, graph.op("Min", top, last), axis=1)
    low = graph.op("GatherElements", ordered, graph.op("Max", other, graph.integers(0)), axis=1)
    middle = graph.op("Div", graph.op("Add", low, high), graph.constant(2.0))
    return graph.op("Where", unknown, graph.constant(math.nan), middle)


def _note_median(segmentation: Element, scope: Scope) -> None:
    if segmentation.get("missingPredictionTreatment", "continue") == "continue":
        scope.context.note(f"{segmentation.place}: the median is missing if a model has no result; pypmml takes it for the largest")


def count_votes(segmentation: Element, method: str, votes: Votes, scope: Scope, target: Target) -> Outcome:
    """Return the class that most models predict. Its probability is its share of the votes, or of their weights."""
    graph = scope.context.graph
    weighted = method == "weightedMajorityVote"
    counted = _counted(segmentation, graph, votes, graph.op("IsNaN", votes.values), weighted)
    total = _total(graph, counted.weights)
    if weighted and any(weight != 1.0 for weight in votes.weights):
        scope.context.note(
            f"{segmentation.place}: probabilities are shares of the sum of weights; pypmml divides by the number of models instead"
        )
    columns = []
    for class_ in votes.classes:
        for_class = graph.op("Equal", votes.values, graph.constant(class_))
        columns.append(graph.op("Div", _total(graph, graph.op("Where", for_class, counted.weights, graph.constant(0.0))), total))
    shares = graph.op("Concat", *columns, axis=1)
    shares = graph.op("Where", counted.nothing, graph.constant(math.nan), shares)
    like = Value("", target.data_type, kind_of(segmentation, target.data_type), integral=True)
    return likeliest(graph, shares, votes.classes, target.data_type, like)


def combine_probabilities(segmentation: Element, method: str, votes: Votes, scope: Scope, target: Target) -> Outcome:
    """Return the mean, median or largest of the probabilities of each class."""
    graph = scope.context.graph
    assert votes.probabilities is not None  # noqa: S101  the caller asked for them
    axis = graph.integers([1])
    summed = graph.op("ReduceSum", votes.probabilities, graph.integers([2]), keepdims=0)
    weighted = method == "weightedAverage"
    counted = _counted(segmentation, graph, votes, graph.op("IsNaN", summed), weighted)
    counts = graph.op("Unsqueeze", counted.counts, graph.integers([2]))
    zero = graph.constant(0.0)
    like = Value("", target.data_type, kind_of(segmentation, target.data_type), integral=True)
    nan = graph.constant(math.nan)

    def mean_of(chosen: str, weights: str) -> str:
        kept = graph.op("Where", chosen, votes.probabilities or "", zero)
        scaled = graph.op("Mul", kept, graph.op("Unsqueeze", weights, graph.integers([2])))
        return graph.op("Div", graph.op("ReduceSum", scaled, axis, keepdims=0), _total(graph, weights))

    if method == "median":
        _note_median(segmentation, scope)
        columns = []
        for index in range(len(votes.classes)):
            column = graph.op("Gather", votes.probabilities, graph.integers(index), axis=2)
            columns.append(_median(graph, column, counted.counts))
        combined = graph.op("Concat", *columns, axis=1)
    elif method == "max":
        scope.context.note(
            f"{segmentation.place}: with the method max, the probabilities are the mean of those models that predict the class"
            " with the largest probability, as in pypmml"
        )
        # Where a result is missing, no class is the largest.
        kept = graph.op("Where", counts, votes.probabilities, graph.constant(-math.inf))
        largest = graph.op("ReduceMax", kept, axes=(1,), keepdims=0)
        winner = graph.op("ArgMax", largest, axis=1, keepdims=1, select_last_index=0)
        own = graph.op("ArgMax", votes.probabilities, axis=2, keepdims=0, select_last_index=0)
        agrees = graph.op("And", graph.op("Equal", own, winner), counted.counts)
        chosen = graph.op("Unsqueeze", agrees, graph.integers([2]))
        combined = mean_of(chosen, graph.cast(agrees, DOUBLE))
        unknown = graph.op("IsNaN", _total(graph, graph.op("Where", counted.counts, summed, zero)))
        nothing = graph.op("Or", counted.nothing, unknown)
        outcome = likeliest(graph, combined, votes.classes, target.data_type, like)
        value = Value(graph.op("Gather", graph.constant(votes.classes), winner, axis=0), target.data_type, like.kind, integral=True)
        return Outcome("classification", value, votes.classes, outcome.probabilities).hidden_where(graph, nothing)
    else:
        combined = mean_of(counts, counted.weights)
    combined = graph.op("Where", counted.nothing, nan, combined)
    return likeliest(graph, combined, votes.classes, target.data_type, like)
