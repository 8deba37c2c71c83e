"""From scores to the label and the probabilities of a classifier."""

from typing import Any

import numpy as np

from understudy.convert.coreml.errors import Unsupported
from understudy.convert.coreml.graph import Graph, Prediction

# More classes than any model of trees or linear terms has.
MAX_CLASSES = 10_000


def labels_of(parameters: Any, place: str) -> tuple[str, ...] | tuple[int, ...]:
    """Return the class labels of a classifier in the order of its scores."""
    kind = parameters.WhichOneof("ClassLabels")
    if kind is None:
        raise Unsupported(f"{place}: the classifier has no class labels")
    labels = tuple(getattr(parameters, kind).vector)
    if not 2 <= len(labels) <= MAX_CLASSES or len(set(labels)) != len(labels):
        raise Unsupported(f"{place}.{kind}: {len(labels)} labels; 2 to {MAX_CLASSES} different labels can be converted")
    return labels


def binary(graph: Graph, first: str) -> str:
    """Return `[N, 2]` from the probability `[N, 1]` of the second class."""
    return graph.add("Concat", graph.add("Sub", graph.doubles([1.0]), first), first, axis=1)


def zero_reference(graph: Graph, scores: str) -> str:
    """Return the softmax over the scores with a score of zero put before them, for the reference class."""
    zero = graph.add("Mul", graph.add("ReduceSum", scores, graph.constant(np.array([1]))), graph.doubles([0.0]))
    return graph.add("Softmax", graph.add("Concat", zero, scores, axis=1), axis=1)


def decide(graph: Graph, probabilities: str, labels: tuple[str, ...] | tuple[int, ...]) -> Prediction:
    """Return the label of the largest probability; the first one of equal ones."""
    best = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    table = graph.constant(np.array(labels) if isinstance(labels[0], str) else np.array(labels, dtype=np.int64))
    graph.note("of classes with equal probability, the first is the label; Core ML does not document its choice")
    return Prediction(graph.add("Gather", table, best, axis=0), probabilities, labels)
