"""Expressions that look a value up: intervals, tables, indicators and piecewise linear functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .dictionary import read_interval
from .document import Element
from .graph import FLOAT, INT64
from .refusal import malformed, unsupported
from .scope import Scope
from .values import Value, as_float, full, is_whole, kind_of, literal, missing


def norm_discrete(element: Element, scope: Scope) -> Value:
    """1 where a field has the value, else 0."""
    graph = scope.context.graph
    value = scope.field(element.need("field"), element)
    if element.get("method", "indicator") != "indicator":
        raise unsupported(element, "only the method indicator is supported")
    wanted = literal(element, element.need("value"), value.data_type, scope.context.vocabulary)
    found = graph.op("Equal", full(graph, value), graph.constant(wanted))
    replacement = element.number("mapMissingTo", math.nan)
    number = graph.op("Where", found, graph.constant(1.0), graph.constant(0.0))
    tensor = graph.op("Where", missing(graph, value), graph.constant(replacement), number)
    return Value(tensor, "double", "number", integral=math.isnan(replacement) or is_whole(replacement))


def norm_continuous(element: Element, scope: Scope) -> Value:
    """Return a piecewise linear function of a field."""
    graph = scope.context.graph
    value = _number(element, scope)
    points = [(norm.number("orig"), norm.number("norm")) for norm in element.all("LinearNorm")]
    if len(points) < 2:
        raise malformed(element, "at least two elements LinearNorm are needed")
    origs = np.array([point[0] for point in points])
    norms = np.array([point[1] for point in points])
    if not np.all(np.diff(origs) > 0) or not np.all(np.isfinite(origs)) or not np.all(np.isfinite(norms)):
        raise unsupported(element, "the points must have ascending, finite values of orig")
    x = full(graph, value)
    # The piece is the number of inner points that are not above x.
    passed = graph.cast(graph.op("GreaterOrEqual", x, graph.constant(origs[None, 1:-1])), FLOAT)
    piece = graph.cast(graph.op("ReduceSum", passed, graph.integers([1]), keepdims=1), INT64)
    parts = (origs[:-1], np.diff(origs), norms[:-1], np.diff(norms))
    start, width, level, rise = (graph.op("Gather", graph.constant(part), piece, axis=0) for part in parts)
    y = graph.op("Add", level, graph.op("Mul", graph.op("Div", graph.op("Sub", x, start), width), rise))
    outliers = element.get("outliers", "asIs")
    below = graph.op("Less", x, graph.constant(origs[0]))
    above = graph.op("Greater", x, graph.constant(origs[-1]))
    if outliers == "asMissingValues":
        y = graph.op("Where", graph.op("Or", below, above), graph.constant(math.nan), y)
    elif outliers == "asExtremeValues":
        y = graph.op("Where", below, graph.constant(norms[0]), graph.op("Where", above, graph.constant(norms[-1]), y))
    elif outliers != "asIs":
        raise malformed(element, f"the treatment of outliers {outliers!r} is not one of PMML's")
    if "mapMissingTo" in element.attributes:
        y = graph.op("Where", missing(graph, value), graph.constant(element.number("mapMissingTo")), y)
    return Value(y, "double", "number")


def discretize(element: Element, scope: Scope, wanted: str | None) -> Value:
    """Return the value of the first interval that contains the field."""
    graph = scope.context.graph
    value = _number(element, scope)
    data_type = element.get("dataType") or wanted or "string"
    lows, highs, results = [], [], []
    for bin_ in element.all("DiscretizeBin"):
        interval = read_interval(bin_.the("Interval"))
        low, high = interval.low, interval.high
        if value.data_type == "float":
            low, high = as_float(low), as_float(high)
        lows.append(low if interval.low_closed else math.nextafter(low, math.inf))
        highs.append(high if interval.high_closed else math.nextafter(high, -math.inf))
        results.append(literal(bin_, bin_.need("binValue"), data_type, scope.context.vocabulary))
    if not results:
        raise malformed(element, "it has no bins")
    if "defaultValue" in element.attributes and element.get("defaultValue") != element.get("mapMissingTo"):
        scope.context.note(
            f"{element.place}: a value in no interval gives defaultValue, as PMML says; pypmml gives mapMissingTo, or a missing one"
        )
    x = full(graph, value)
    inside = graph.op(
        "And", graph.op("GreaterOrEqual", x, graph.constant([lows])), graph.op("LessOrEqual", x, graph.constant([highs]))
    )
    return _look_up(element, scope, inside, results, data_type, missing(graph, value))


def map_values(element: Element, scope: Scope, wanted: str | None) -> Value:
    """Return the output column of the first row of a table whose columns equal the fields."""
    graph = scope.context.graph
    data_type = element.get("dataType") or wanted or "string"
    output = element.need("outputColumn")
    table = element.first("InlineTable")
    if table is None:
        raise unsupported(element, "only a table within the document (InlineTable) is supported")
    rows = [{cell.tag: cell.text for cell in row.children} for row in table.all("row")]
    if not rows:
        raise unsupported(table, "an empty table is not supported")
    pairs = [(pair, scope.field(pair.need("field"), pair), pair.need("column")) for pair in element.all("FieldColumnPair")]
    if not pairs:
        raise malformed(element, "it has no field")
    inside: str | None = None
    absent: str | None = None
    for pair, value, name in pairs:
        if any(name not in row for row in rows):
            raise unsupported(pair, f"a row of the table has no column {name!r}")
        keys = [literal(table, row[name], value.data_type, scope.context.vocabulary) for row in rows]
        equal = graph.op("Equal", full(graph, value), graph.constant([keys]))
        inside = equal if inside is None else graph.op("And", inside, equal)
        gone = missing(graph, value)
        absent = gone if absent is None else graph.op("Or", absent, gone)
    assert inside is not None  # noqa: S101  there is at least one pair
    assert absent is not None  # noqa: S101
    if any(output not in row for row in rows):
        raise unsupported(table, f"a row of the table has no column {output!r}")
    results = [literal(table, row[output], data_type, scope.context.vocabulary) for row in rows]
    return _look_up(element, scope, inside, results, data_type, absent)


def _look_up(element: Element, scope: Scope, inside: str, results: Sequence[float], data_type: str, absent: str) -> Value:
    """Return the result of the first column of `inside` that is true, else defaultValue; mapMissingTo where the field is absent."""
    graph = scope.context.graph

    def replacement(name: str) -> float:
        text = element.get(name)
        return math.nan if text is None else literal(element, text, data_type, scope.context.vocabulary)

    default, for_missing = replacement("defaultValue"), replacement("mapMissingTo")
    # A last column that is always true stands for the default: the first true column is then always there.
    padded = graph.op(
        "Pad", graph.cast(inside, FLOAT), graph.integers([0, 0, 0, 1]), graph.constant(1.0, np.float32), mode="constant"
    )
    first = graph.op("ArgMax", padded, axis=1, keepdims=1, select_last_index=0)
    found = graph.op("Gather", graph.constant([*results, default]), first, axis=0)
    tensor = graph.op("Where", absent, graph.constant(for_missing), found)
    numbers = [number for number in (*results, default, for_missing) if not math.isnan(number)]
    integral = all(is_whole(number) for number in numbers)
    return Value(tensor, data_type, kind_of(element, data_type), integral=integral)


def _number(element: Element, scope: Scope) -> Value:
    value = scope.field(element.need("field"), element)
    if value.kind != "number":
        raise unsupported(element, f"the field is a {value.data_type}, and a number is needed")
    return value
