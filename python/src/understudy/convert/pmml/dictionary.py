"""The DataDictionary: which fields the document knows, and which values are valid, invalid or missing. Inputs of the graph."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .context import Context
from .document import Element
from .graph import BOOL, DOUBLE, ML, STRING, Graph
from .refusal import malformed, unsupported
from .truth import either
from .values import KINDS, UNSEEN, Kind, Value, kind_of, literal, single

FLOATS = (
    "of type float: values are rounded to single precision before they are used, as PMML says; pypmml uses them as doubles, so it"
    " differs where a value is closer to a threshold than that"
)
"""The note about fields of single precision."""


@dataclass(frozen=True)
class Interval:
    """A range of valid numbers."""

    low: float
    high: float
    low_closed: bool
    high_closed: bool

    def allows(self, number: float) -> bool:
        """Whether a constant is in the interval."""
        above = number >= self.low if self.low_closed else number > self.low
        return above and (number <= self.high if self.high_closed else number < self.high)

    def contains(self, graph: Graph, tensor: str) -> str:
        """Where a number is in the interval, as a tensor of bool. A missing value is not."""
        parts = []
        if self.low > -math.inf or not self.low_closed:
            parts.append(graph.op("GreaterOrEqual" if self.low_closed else "Greater", tensor, graph.constant(self.low)))
        if self.high < math.inf or not self.high_closed:
            parts.append(graph.op("LessOrEqual" if self.high_closed else "Less", tensor, graph.constant(self.high)))
        if not parts:
            return graph.op("Not", graph.op("IsNaN", tensor))
        return parts[0] if len(parts) == 1 else graph.op("And", *parts)


def read_interval(element: Element) -> Interval:
    """Return the interval that an element `Interval` describes."""
    closure = element.need("closure")
    if closure not in ("openOpen", "openClosed", "closedOpen", "closedClosed"):
        raise malformed(element, f"the closure {closure[:40]!r} is not one of PMML's")
    low, high = element.optional_number("leftMargin"), element.optional_number("rightMargin")
    return Interval(
        -math.inf if low is None else low,
        math.inf if high is None else high,
        low is None or closure.startswith("closed"),
        high is None or closure.endswith("Closed"),
    )


@dataclass
class DataField:
    """A field of the dictionary. Values are numbers as in `values`."""

    element: Element
    name: str
    data_type: str
    optype: str
    kind: Kind
    valid: list[float] = field(default_factory=list)
    invalid: list[float] = field(default_factory=list)
    missing: list[float] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    spelled: list[str] = field(default_factory=list)
    """The valid values as the document spells them."""

    def is_one_of(self, graph: Graph, tensor: str, numbers: list[float]) -> str:
        """Where a number is one of the list."""
        equal = graph.op("Equal", tensor, graph.constant([numbers]))
        if len(numbers) == 1:
            return equal
        return graph.cast(graph.op("ReduceMax", graph.cast(equal, DOUBLE), axes=(1,), keepdims=1), BOOL)

    def allows(self, number: float) -> bool:
        """Whether a constant is a valid value of the field."""
        if number in self.invalid or number in self.missing:
            return False
        if self.valid:
            return number in self.valid
        return not self.intervals or any(interval.allows(number) for interval in self.intervals)

    def outside(self, graph: Graph, tensor: str) -> str | None:
        """Where a value that is not missing is invalid; None if no value can be."""
        wrong: list[str | None] = []
        if self.invalid:
            wrong.append(self.is_one_of(graph, tensor, self.invalid))
        allowed: list[str | None] = []
        if self.valid:
            allowed.append(self.is_one_of(graph, tensor, self.valid))
        allowed.extend(interval.contains(graph, tensor) for interval in self.intervals if not self.valid)
        inside = either(graph, allowed)
        if inside is not None:
            wrong.append(graph.op("Not", graph.op("Or", inside, graph.op("IsNaN", tensor))))
        return either(graph, wrong)


class Dictionary:
    """All fields of the document. A field becomes an input of the graph when a model first reads it."""

    def __init__(self, context: Context, root: Element) -> None:
        self.context = context
        self._elements: dict[str, Element] = {}
        self._fields: dict[str, DataField] = {}
        self._inputs: dict[str, Value] = {}
        for element in root.the("DataDictionary").all("DataField"):
            name = element.need("name")
            if not name or name in self._elements:
                raise malformed(element, "the name of the field is empty or taken by another field")
            self._elements[name] = element
        context.graph.reserve(list(self._elements))

    def find(self, name: str) -> DataField | None:
        """Return the field of this name."""
        if name not in self._fields and name in self._elements:
            self._fields[name] = self._read(self._elements[name])
        return self._fields.get(name)

    def represents(self, name: str) -> bool:
        """Whether the values of this field can be represented. Dates and times cannot."""
        return name not in self._elements or self._elements[name].need("dataType") in KINDS

    def _read(self, element: Element) -> DataField:
        data_type = element.need("dataType")
        found = DataField(
            element, element.need("name"), data_type, element.get("optype", "") or "continuous", kind_of(element, data_type)
        )
        if element.get("isCyclic", "0") not in ("0", "false"):
            raise unsupported(element, "cyclic fields are not supported")
        if element.first("Taxonomy") is not None or "taxonomy" in element.attributes:
            raise unsupported(element, "fields with a taxonomy are not supported")
        found.intervals = [read_interval(child) for child in element.all("Interval")]
        if found.intervals and found.kind != "number":
            raise unsupported(element, f"an interval of values of type {data_type} is not supported")
        for child in element.all("Value"):
            meaning = child.get("property", "valid")
            spelled = child.need("value")
            number = literal(child, spelled, data_type, self.context.vocabulary)
            if meaning == "missing":
                found.missing.append(number)
            elif meaning == "invalid":
                found.invalid.append(number)
            elif meaning == "valid":
                found.valid.append(number)
                found.spelled.append(spelled)
            else:
                raise malformed(child, f"the property {meaning!r} is not one of PMML's")
        return found

    def read_input(self, found: DataField) -> Value:
        """Return the values that callers send for a field, before any treatment. Makes the input of the graph if it is new."""
        if found.name not in self._inputs:
            self._inputs[found.name] = self._make(found)
        return self._inputs[found.name]

    def _make(self, found: DataField) -> Value:
        graph = self.context.graph
        if found.kind == "text":
            if found.optype == "continuous":
                raise unsupported(found.element, "a continuous field of type string is not supported")
            graph.add_input(found.name, STRING)
            # The table of texts is complete only when the whole document is read: `close` adds the operator's place holder.
            tensor = graph.late("codes", found.name)
            return Value(tensor, "string", "text", integral=True, unseen=True)
        if found.kind == "boolean":
            graph.add_input(found.name, BOOL)
            self.context.note_field("the input is a tensor of bool, in which a missing value cannot be sent", found.name)
            return Value(graph.cast(found.name, DOUBLE), "boolean", "boolean", integral=True)
        graph.add_input(found.name, DOUBLE)
        if found.data_type == "float":
            self.context.note_field(FLOATS, found.name)
            return Value(single(graph, found.name), "float", "number")
        if found.data_type == "integer":
            self.context.note_field("of type integer: a number that is not whole is used as it is", found.name)
        return Value(found.name, found.data_type, "number", integral=found.data_type == "integer")

    def close(self) -> None:
        """Make the tables that turn texts into codes. To be called when everything of the document is read."""
        texts = self.context.vocabulary.texts()
        keys = [text for text in texts if text] + [""]
        codes = [self.context.vocabulary.code(text) for text in texts if text] + [math.nan]
        if len(codes) >= 2**24:
            raise unsupported(next(iter(self._elements.values())), "the document mentions too many different texts")

        def codes_of(graph: Graph, name: str) -> str:
            code = graph.op(
                "LabelEncoder",
                name,
                domain=ML,
                keys_strings=keys,
                values_floats=np.asarray(codes, np.float32),
                default_float=UNSEEN,
            )
            return graph.cast(code, DOUBLE)

        self.context.graph.fill_late("codes", codes_of)
