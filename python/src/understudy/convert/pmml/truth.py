"""Three-valued logic: a predicate is true, false or unknown. Unknown comes from missing values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .graph import DOUBLE, Graph


@dataclass(frozen=True)
class Truth:
    """Two tensors of bool: where it is true, and where it is unknown (None: nowhere). They are never both true."""

    true: str
    unknown: str | None = None
    always: bool | None = None
    """The value, if it is the same in each row."""


def always(graph: Graph, value: bool) -> Truth:
    """Return the constant TRUE or FALSE."""
    return Truth(graph.constant(value, np.bool_), None, value)


def either(graph: Graph, tensors: Sequence[str | None]) -> str | None:
    """Where any of the tensors is true."""
    result: str | None = None
    for tensor in tensors:
        if tensor is not None:
            result = tensor if result is None or result == tensor else graph.op("Or", result, tensor)
    return result


def negate(graph: Graph, truth: Truth) -> Truth:
    """NOT: unknown stays unknown."""
    if truth.always is not None:
        return always(graph, not truth.always)
    known_true = truth.true if truth.unknown is None else graph.op("Or", truth.true, truth.unknown)
    return Truth(graph.op("Not", known_true), truth.unknown)


def conjunction(graph: Graph, parts: Sequence[Truth]) -> Truth:
    """AND: false if any part is false, else unknown if any part is unknown."""
    true = parts[0].true
    for part in parts[1:]:
        true = graph.op("And", true, part.true)
    possible: str | None = None
    if all(part.unknown is None for part in parts):
        return Truth(true)
    for part in parts:
        may = part.true if part.unknown is None else graph.op("Or", part.true, part.unknown)
        possible = may if possible is None else graph.op("And", possible, may)
    assert possible is not None  # noqa: S101  parts is never empty
    return Truth(true, graph.op("And", possible, graph.op("Not", true)))


def disjunction(graph: Graph, parts: Sequence[Truth]) -> Truth:
    """OR: true if any part is true, else unknown if any part is unknown."""
    return negate(graph, conjunction(graph, [negate(graph, part) for part in parts]))


def exclusive(graph: Graph, parts: Sequence[Truth]) -> Truth:
    """XOR: true if an odd number of parts is true; unknown if any part is unknown."""
    true = parts[0].true
    for part in parts[1:]:
        true = graph.op("Xor", true, part.true)
    unknown = either(graph, [part.unknown for part in parts])
    return Truth(true if unknown is None else graph.op("And", true, graph.op("Not", unknown)), unknown)


def surrogate(graph: Graph, parts: Sequence[Truth]) -> Truth:
    """Return the first part that is not unknown."""
    result = parts[-1]
    for part in reversed(parts[:-1]):
        if part.unknown is None:
            result = part
            continue
        true = graph.op("Or", part.true, graph.op("And", part.unknown, result.true))
        unknown = None if result.unknown is None else graph.op("And", part.unknown, result.unknown)
        result = Truth(true, unknown)
    return result


def column(graph: Graph, truth: Truth) -> str:
    """1, 0, or NaN where unknown, as a double."""
    number = graph.cast(truth.true, DOUBLE)
    return number if truth.unknown is None else graph.op("Where", truth.unknown, graph.constant(np.nan), number)


def from_column(graph: Graph, tensor: str) -> Truth:
    """Return the truth that `column` made a number of."""
    true = graph.op("Equal", tensor, graph.constant(1.0))
    return Truth(true, graph.op("IsNaN", tensor))
