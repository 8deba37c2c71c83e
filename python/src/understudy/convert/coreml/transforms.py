"""Feature engineering: from the features that go into one element to the feature that comes out."""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from understudy.convert.coreml.errors import Unsupported
from understudy.convert.coreml.graph import MAX_WIDTH, Graph, Value, finite, numeric

# A table of categories is a square matrix in the graph.
MAX_CATEGORIES = 4096
# Integers travel as doubles; larger ones are not exact.
MAX_INTEGER = 2**53


def _one(inputs: list[Value], place: str) -> Value:
    if len(inputs) != 1:
        raise Unsupported(f"{place}: {len(inputs)} inputs; this element takes 1")
    return inputs[0]


def _per_column(values: Any, width: int, default: float, place: str) -> list[float]:
    numbers: list[float] = finite(list(values), place).tolist() or [default]
    if len(numbers) not in (1, width):
        raise Unsupported(f"{place}: {len(numbers)} values for {width} features")
    return numbers


def scaler(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """`scale * (x + shift)`."""
    x = numeric(_one(inputs, place), place)
    shift = graph.doubles(_per_column(model.shiftValue, x.width, 0.0, f"{place}.shiftValue"))
    scale = graph.doubles(_per_column(model.scaleValue, x.width, 1.0, f"{place}.scaleValue"))
    return Value(graph.add("Mul", graph.add("Add", x.name, shift), scale), x.type, x.width)


def imputer(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """Replace one value, NaN for example, by a number for each column."""
    x = numeric(_one(inputs, place), place)
    missing, imputed = model.WhichOneof("ReplaceValue"), model.WhichOneof("ImputedValue")
    allowed = {"int64": ("Int64",)}.get(x.type, ("Double",))
    if missing not in [f"replace{t}Value" for t in allowed]:
        raise Unsupported(f"{place}: {missing or 'no value to replace'} on a feature of type {x.type} cannot be converted")
    if imputed not in [f"imputed{t}{s}" for t in allowed for s in ("Value", "Array")]:
        raise Unsupported(f"{place}: {imputed or 'no imputed value'} on a feature of type {x.type} cannot be converted")
    values = getattr(model, imputed)
    numbers = finite(list(values.vector) if imputed.endswith("Array") else [values], f"{place}.{imputed}")
    if len(numbers) != (x.width if imputed.endswith("Array") else 1):
        raise Unsupported(f"{place}.{imputed}: {len(numbers)} values for {x.width} features")
    replaced = float(getattr(model, missing))
    if x.type == "int64" and max(abs(replaced), float(np.abs(numbers).max())) > MAX_INTEGER:
        raise Unsupported(f"{place}: an integer beyond 2^53 is not exact")
    found = graph.add("IsNaN", x.name) if np.isnan(replaced) else graph.add("Equal", x.name, graph.doubles([replaced]))
    return Value(graph.add("Where", found, graph.doubles(numbers.tolist()), x.name), x.type, x.width)


def normalizer(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """Divide each row by its L1 or L2 norm."""
    x = numeric(_one(inputs, place), place)
    operator = {1: "ReduceL1", 2: "ReduceL2"}.get(model.normType)
    if operator is None:
        raise Unsupported(f"{place}.normType: the maximum norm cannot be converted: Apple does not say if it takes absolute values")
    norm = graph.add(operator, x.name, axes=[1], keepdims=1)
    zero = graph.add("Equal", norm, graph.doubles([0.0]))
    graph.note("a row of zeros stays zero in the normalizer, as in scikit-learn; Core ML does not document this case")
    return Value(graph.add("Div", x.name, graph.add("Where", zero, graph.doubles([1.0]), norm)), x.type, x.width)


def _position(graph: Graph, x: Value, kind: str, categories: list[Any], place: str) -> str:
    """Return `[N]`: the position of each value in `categories`, and their count for an unknown one."""
    if not 1 <= len(categories) <= MAX_CATEGORIES or len(set(categories)) != len(categories):
        raise Unsupported(f"{place}: {len(categories)} categories; 1 to {MAX_CATEGORIES} different ones can be converted")
    if x.width != 1 or x.type != kind:
        raise Unsupported(f"{place}: the input is {x.type} of width {x.width}; the categories are {kind}")
    count = len(categories)
    if kind == "string":
        found = graph.add(
            "LabelEncoder",
            x.name,
            domain="ai.onnx.ml",
            keys_strings=categories,
            values_int64s=list(range(count)),
            default_int64=count,
        )
        return graph.add("Reshape", found, graph.constant(np.array([-1])))
    if max(abs(c) for c in categories) > MAX_INTEGER:
        raise Unsupported(f"{place}: a category beyond 2^53 is not exact")
    equal = graph.cast(graph.add("Equal", x.name, graph.doubles(categories)), TensorProto.INT64)
    known = graph.cast(graph.add("ReduceMax", equal, axes=[1], keepdims=0), TensorProto.BOOL)
    return graph.add("Where", known, graph.add("ArgMax", equal, axis=1, keepdims=0), graph.constant(np.array([count])))


def one_hot(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """One column for each category. An unknown category gives zeros, or stops the request, as the document says."""
    x, kind = _one(inputs, place), model.WhichOneof("CategoryType")
    if kind is None or model.outputSparse or model.handleUnknown not in (0, 1):
        raise Unsupported(f"{place}: an encoder without categories, or with outputSparse, cannot be converted")
    categories = list(getattr(model, kind).vector)
    position = _position(graph, x, "string" if kind == "stringCategories" else "int64", categories, f"{place}.{kind}")
    table = np.eye(len(categories))
    if model.handleUnknown == 1:
        table = np.vstack([table, np.zeros((1, len(categories)))])
    else:  # The position of an unknown category is outside of the table: ONNX Runtime fails, as Core ML does.
        graph.note(f"{place}: an unknown category makes the whole request fail, as the document says (ErrorOnUnknown)")
    return Value(graph.add("Gather", graph.constant(table), position, axis=0), "multiArray", len(categories))


def categorical_mapping(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """Map strings to integers or integers to strings. Without a default an unknown value stops the request."""
    x, kind, default = _one(inputs, place), model.WhichOneof("MappingType"), model.WhichOneof("ValueOnUnknown")
    to_integer = kind == "stringToInt64Map"
    if kind is None or default not in (None, "int64Value" if to_integer else "strValue"):
        raise Unsupported(f"{place}: {kind or 'no mapping'} with {default or 'no default'} cannot be converted")
    pairs = sorted(getattr(model, kind).map.items())
    values = [value for _, value in pairs] + ([getattr(model, default)] if default else [])
    position = _position(graph, x, "string" if to_integer else "int64", [key for key, _ in pairs], f"{place}.{kind}")
    if default is None:
        graph.note(f"{place}: an unknown value makes the whole request fail, as the document says (no value on unknown)")
    if to_integer and max(abs(value) for value in values) > MAX_INTEGER:
        raise Unsupported(f"{place}: an integer beyond 2^53 is not exact")
    table = np.array(values, dtype=np.float64) if to_integer else np.array(values)
    name = graph.add("Gather", graph.constant(table.reshape(-1, 1)), position, axis=0)
    return Value(name, "int64" if to_integer else "string", 1)


def vectorizer(graph: Graph, model: Any, inputs: dict[str, Value], place: str) -> Value:
    """Put features side by side in the order of `inputList`."""
    columns = []
    for i, column in enumerate(model.inputList):
        value = inputs.get(column.inputColumn)
        if value is None:
            raise Unsupported(f"{place}.inputList[{i}]: the element has no input {column.inputColumn!r}")
        if value.width != column.inputDimensions:
            raise Unsupported(f"{place}.inputList[{i}]: {column.inputDimensions} dimensions; the feature has {value.width}")
        columns.append(numeric(value, f"{place}.inputList[{i}]"))
    return together(graph, columns, place)


def together(graph: Graph, columns: list[Value], place: str) -> Value:
    """Put numbers side by side in one row."""
    width = sum(c.width for c in columns)
    if not 1 <= width <= MAX_WIDTH:
        raise Unsupported(f"{place}: {width} features; 1 to {MAX_WIDTH} can be converted")
    if len(columns) == 1:
        return columns[0]
    return Value(graph.add("Concat", *[numeric(c, place).name for c in columns], axis=1), "multiArray", width)


def extractor(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """Take columns by their index."""
    x, indices = numeric(_one(inputs, place), place), list(model.extractIndex)
    if not 1 <= len(indices) <= MAX_WIDTH or max(indices) >= x.width:
        raise Unsupported(f"{place}.extractIndex: an index is out of range, or there is none; the array has {x.width} values")
    name = graph.add("Gather", x.name, graph.constant(np.array(indices, dtype=np.int64)), axis=1)
    return Value(name, "multiArray", len(indices))


def identity(graph: Graph, model: Any, inputs: list[Value], place: str) -> Value:
    """Pass one feature on."""
    return _one(inputs, place)


ELEMENTS: dict[str, Callable[[Graph, Any, list[Value], str], Value]] = {
    "scaler": scaler,
    "imputer": imputer,
    "normalizer": normalizer,
    "oneHotEncoder": one_hot,
    "categoricalMapping": categorical_mapping,
    "arrayFeatureExtractor": extractor,
    "identity": identity,
}
