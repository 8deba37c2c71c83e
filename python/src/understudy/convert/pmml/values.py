"""What fields and expressions are in the graph: numbers of double precision, in which NaN is a missing value.

A text is a number too: its place in the vocabulary, the list of all texts that the document mentions. A text that the document
does not mention is -1: it equals none of them. A boolean is 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .document import Element, parse_number
from .graph import DOUBLE, FLOAT, Graph
from .refusal import malformed, unsupported

Kind = Literal["number", "text", "boolean"]

UNSEEN = -1.0
"""The code of a text that the document does not mention."""

KINDS: dict[str, Kind] = {
    "double": "number",
    "float": "number",
    "integer": "number",
    "string": "text",
    "boolean": "boolean",
}
"""How values of each data type are represented."""


def kind_of(element: Element, data_type: str) -> Kind:
    """How values of a PMML data type are represented. Refuses dates and times."""
    if data_type not in KINDS:
        raise unsupported(element, f"values of the type {data_type[:40]!r} are not supported")
    return KINDS[data_type]


@dataclass(frozen=True)
class Value:
    """A column: a double tensor of shape `[N, 1]`, or of no dimension if it is the same in each row."""

    tensor: str
    data_type: str
    """double, float, integer, string or boolean"""
    kind: Kind
    integral: bool = False
    """Whether all values are whole numbers."""
    constant: float | None = None
    """The number, if it is the same in each row. NaN if it is always missing, or only the graph knows the number."""
    unseen: bool = False
    """Whether a text may be one that the document does not mention."""
    present: bool = False
    """Whether the value is never missing."""
    invalid: bool = False
    """Whether the value may be one that the data dictionary does not allow, and is used as it is."""


class Vocabulary:
    """The texts that the document mentions, with their codes."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, text: str) -> float:
        """Return the code of a text."""
        return float(self._codes.setdefault(text, len(self._codes)))

    def texts(self) -> list[str]:
        """All texts in the order of their codes."""
        return list(self._codes)


def literal(element: Element, text: str, data_type: str, vocabulary: Vocabulary) -> float:
    """Return the number that stands for a constant of the document."""
    kind = kind_of(element, data_type)
    if kind == "text":
        return vocabulary.code(text)
    if kind == "boolean":
        lowered = text.strip().lower()
        if lowered in ("true", "1", "1.0"):
            return 1.0
        if lowered in ("false", "0", "0.0"):
            return 0.0
        raise malformed(element, f"{text[:80]!r} is not a boolean")
    number = parse_number(element, text)
    return as_float(number) if data_type == "float" else number


def as_float(number: float) -> float:
    """Return a number rounded to single precision."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def is_whole(number: float) -> bool:
    """Say whether a number is a whole one. Infinite and missing numbers are not."""
    return math.isfinite(number) and number == math.floor(number)


def constant(graph: Graph, number: float, data_type: str, kind: Kind) -> Value:
    """Return a value that is the same in each row."""
    return Value(graph.constant(number), data_type, kind, integral=is_whole(number), constant=number, present=not np.isnan(number))


def replaced(graph: Graph, value: Value, number: float) -> Value:
    """Return the value, with a number where it is missing."""
    tensor = graph.op("Where", missing(graph, value), graph.constant(number), value.tensor)
    constant = None if value.constant is None else math.nan
    return replace(value, tensor=tensor, constant=constant, present=True, integral=value.integral and is_whole(number))


def full(graph: Graph, value: Value) -> str:
    """Return the tensor with the shape `[N, 1]`."""
    return value.tensor if value.constant is None else graph.op("Expand", value.tensor, graph.rows)


def missing(graph: Graph, value: Value) -> str:
    """Where the value is missing."""
    return graph.op("IsNaN", value.tensor)


def cast(graph: Graph, element: Element, value: Value, data_type: str) -> Value:
    """Return the value as another PMML type. Refuses conversions on whose rounding or spelling consumers of PMML differ."""
    kind = kind_of(element, data_type)
    if data_type == value.data_type:
        return value
    if kind != value.kind:
        raise unsupported(element, f"a {value.data_type} cannot become a {data_type} in a way that all consumers of PMML agree on")
    if data_type == "integer" and not value.integral:
        raise unsupported(element, "the rounding of a number that becomes an integer is not defined; use round, floor or ceil")
    if data_type == "float":
        if value.constant is not None and not math.isnan(value.constant):
            return constant(graph, as_float(value.constant), "float", kind)
        return replace(value, tensor=single(graph, value.tensor), data_type="float")
    return replace(value, data_type=data_type)


def single(graph: Graph, tensor: str) -> str:
    """Numbers rounded to single precision, as doubles."""
    return graph.cast(graph.cast(tensor, FLOAT), DOUBLE)
