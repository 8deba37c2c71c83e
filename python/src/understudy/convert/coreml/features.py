"""Descriptions of features: types, widths, and the inputs of the ONNX model."""

from typing import Any

import onnx
from onnx import TensorProto, helper

from understudy.convert.coreml.errors import Unsupported
from understudy.convert.coreml.graph import MAX_WIDTH, Graph, Value

ARRAYS = {65568: TensorProto.FLOAT, 65600: TensorProto.DOUBLE, 131104: TensorProto.INT32}
TYPES = {"int64Type": "int64", "doubleType": "double", "stringType": "string", "multiArrayType": "multiArray"}


def type_of(feature: Any, place: str) -> tuple[str, int]:
    """Return type and width of a feature, and refuse what is not a number, a string or a row of numbers."""
    kind = feature.type.WhichOneof("Type")
    if kind not in TYPES:
        hint = "; turn it into an array in the original model" if kind == "dictionaryType" else ""
        raise Unsupported(f"{place}: feature {feature.name!r} has the type {kind}, which cannot be converted{hint}")
    if kind != "multiArrayType":
        return TYPES[kind], 1
    array = feature.type.multiArrayType
    if array.dataType not in ARRAYS:
        raise Unsupported(f"{place}: feature {feature.name!r} has the array type {array.dataType}; float32, double, int32 can be")
    if len(array.shape) != 1 or not 1 <= array.shape[0] <= MAX_WIDTH or array.WhichOneof("ShapeFlexibility"):
        raise Unsupported(
            f"{place}: feature {feature.name!r} has shape {list(array.shape)[:8]}; 1 to {MAX_WIDTH} in one fixed dimension can be"
        )
    return "multiArray", array.shape[0]


def inputs_of(graph: Graph, description: Any) -> tuple[list[onnx.ValueInfoProto], dict[str, Value]]:
    """Return the inputs of the ONNX model, and the features they hold as doubles or strings."""
    infos, values = [], {}
    for feature in description.input:
        kind, width = type_of(feature, "description.input")
        if not feature.name or feature.name.startswith("_") or feature.name in values:
            raise Unsupported(f"description.input: the name {feature.name!r} is empty, starts with _, or stands twice")
        if feature.type.isOptional:
            graph.note(f"input {feature.name!r} is optional in Core ML; here a missing number is NaN")
        element = ARRAYS[feature.type.multiArrayType.dataType] if kind == "multiArray" else TensorProto.DOUBLE
        element = TensorProto.STRING if kind == "string" else element
        infos.append(helper.make_tensor_value_info(feature.name, element, ["N", width]))
        exact = element in (TensorProto.STRING, TensorProto.DOUBLE)
        values[feature.name] = Value(feature.name if exact else graph.cast(feature.name, TensorProto.DOUBLE), kind, width)
    if not values:
        raise Unsupported("description.input: the model has no inputs")
    return infos, values
