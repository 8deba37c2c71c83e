"""scikit-learn's models, and those with its interface: XGBoost and LightGBM, alone or inside pipelines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from understudy.convert.converted import Converted
from understudy.convert.scikit_learn import operators, original, prepare
from understudy.errors import NotConvertible
from understudy.original import PROBABILITIES, SCORES, Original
from understudy.table import VECTOR, Inputs, Kind

if TYPE_CHECKING:
    import onnx

OPSETS = {"": 21, "ai.onnx.ml": 3}
"""Texts can be compared since 19. ONNX Runtime of the server knows up to 23."""


def recognises(model: object) -> bool:
    """Whether it is a fitted model with scikit-learn's interface."""
    return hasattr(model, "get_params") and (hasattr(model, "predict") or hasattr(model, "transform"))


def convert(model: Any, inputs: Inputs) -> Converted:
    """The model as ONNX, with 64-bit numbers up to the point where the original itself has 32 bits.

    Some steps have no implementation with 64 bits. A model with one of them gets 32-bit numbers throughout, and a note.
    """
    source = original.of(model, inputs)
    prepared = prepare.copied(model)
    try:
        return Converted(source, _loadable(prepared, source, inputs), inputs)
    except NotConvertible:
        if inputs.single:
            raise
        narrow = replace(inputs, single=True)
        graph = _loadable(prepared, source, narrow)
    return Converted(source, graph, narrow, ("A step of the model computes with 32-bit numbers only, so all numbers have 32 bits.",))


def _loadable(model: Any, source: Original, inputs: Inputs) -> onnx.ModelProto:
    """The model as ONNX, if ONNX Runtime loads it."""
    import onnxruntime

    graph = _to_onnx(model, source, inputs)
    _name_outputs(graph, source)
    try:
        onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001: its errors have no other common type
        what = str(error).splitlines()[0]
        raise NotConvertible(f"ONNX Runtime does not load the converted {type(model).__name__}: {what}") from error
    return graph


def _types(inputs: Inputs) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import BooleanTensorType, DoubleTensorType, FloatTensorType, StringTensorType

    number = FloatTensorType if inputs.single else DoubleTensorType
    if inputs.vector:
        return [(VECTOR, number([None, len(inputs.columns)]))]
    of_kind = {Kind.NUMBER: number, Kind.BOOLEAN: BooleanTensorType, Kind.TEXT: StringTensorType}
    return [(column.name, of_kind[column.kind]([None, 1])) for column in inputs.columns]


def _to_onnx(model: Any, source: Original, inputs: Inputs) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    functions, shapes = operators.custom(model)

    def converted(options: dict[int, dict[str, Any]]) -> onnx.ModelProto:
        return convert_sklearn(
            model,
            initial_types=_types(inputs),
            options=options,
            target_opset=OPSETS,
            custom_conversion_functions=functions,
            custom_shape_calculators=shapes,
        )

    last = _last(model)
    try:
        if SCORES not in source.outputs:
            return converted({id(model): {"zipmap": False}} if PROBABILITIES in source.outputs else {})
        try:
            return converted({id(last): {"raw_scores": True, "zipmap": False}})
        except NameError:
            # Some types do not have the option `zipmap`.
            return converted({id(last): {"raw_scores": True}})
    except (MissingConverter, MissingShapeCalculator) as error:
        what = str(error).splitlines()[0]
        raise NotConvertible(
            f"{type(model).__name__} has a step without a converter: {what}. Replace the step, or serve the model with spec.runtime"
        ) from error
    except (RuntimeError, NotImplementedError, TypeError, ValueError, NameError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotConvertible(f"skl2onnx cannot convert {type(model).__name__}: {what}") from error


def _last(model: Any) -> Any:
    steps = getattr(model, "steps", None)
    return _last(steps[-1][1]) if steps else model


def _name_outputs(graph: onnx.ModelProto, source: Original) -> None:
    """Gives outputs the names of the original's answers."""
    for output, name in zip(graph.graph.output, source.outputs, strict=True):
        if output.name != name:
            _rename(graph, name, f"{name}_of_a_step")
            _rename(graph, output.name, name)
            output.name = name


def _rename(graph: onnx.ModelProto, old: str, new: str) -> None:
    for node in graph.graph.node:
        node.input[:] = [new if each == old else each for each in node.input]
        node.output[:] = [new if each == old else each for each in node.output]
