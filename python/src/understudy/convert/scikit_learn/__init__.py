"""scikit-learn's models, and those with its interface: XGBoost and LightGBM, alone or inside pipelines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from understudy import runtime
from understudy.convert import graph
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
        converted = _loadable(prepared, source, narrow)
    return Converted(
        source, converted, narrow, ("A step of the model computes with 32-bit numbers only, so all numbers have 32 bits.",)
    )


def _loadable(model: Any, source: Original, inputs: Inputs) -> onnx.ModelProto:
    """The model as ONNX, if ONNX Runtime loads it."""
    model_graph = _to_onnx(model, source, inputs)
    graph.same_each_time(model_graph)
    graph.name_outputs(model_graph, source.outputs)
    if _is_joined(model, inputs):
        graph.join_columns(model_graph, inputs)
    elif not inputs.vector:
        graph.name_inputs(model_graph, [column.name for column in inputs.columns])
    try:
        runtime.load(model_graph)
    except Exception as error:
        # Its errors have no other common type.
        what = str(error).splitlines()[0]
        raise NotConvertible(f"ONNX Runtime does not load the converted {type(model).__name__}: {what}") from error
    return model_graph


def _types(inputs: Inputs, joined: bool) -> list[tuple[str, Any]]:
    """What skl2onnx is told of the inputs."""
    from skl2onnx.common.data_types import BooleanTensorType, DoubleTensorType, FloatTensorType, StringTensorType

    number = FloatTensorType if inputs.single else DoubleTensorType
    of_kind = {Kind.NUMBER: number, Kind.BOOLEAN: BooleanTensorType, Kind.TEXT: StringTensorType}
    if inputs.vector or joined:
        texts = all(column.kind is Kind.TEXT for column in inputs.columns)
        return [(VECTOR, (StringTensorType if texts else number)([None, len(inputs.columns)]))]
    return [(column.name, of_kind[column.kind]([None, 1])) for column in inputs.columns]


def _is_joined(model: Any, inputs: Inputs) -> bool:
    """Whether the model takes the columns of a DataFrame as one table of numbers, or of texts. Others choose columns by name."""
    if inputs.vector or any(type(part).__name__ == "ColumnTransformer" for part in prepare.parts(model)):
        return False
    kinds = {column.kind is Kind.TEXT for column in inputs.columns}
    if len(kinds) > 1:
        raise NotConvertible(
            f"{type(model).__name__} takes texts and numbers in one table: begin the pipeline with a ColumnTransformer"
        )
    return True


def _to_onnx(model: Any, source: Original, inputs: Inputs) -> onnx.ModelProto:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    functions, shapes = operators.custom(model)
    joined = _is_joined(model, inputs)

    def converted(options: dict[int, dict[str, Any]]) -> onnx.ModelProto:
        graph: onnx.ModelProto = convert_sklearn(
            model,
            initial_types=_types(inputs, joined),
            options=options,
            target_opset=OPSETS,
            custom_conversion_functions=functions,
            custom_shape_calculators=shapes,
        )
        return graph

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
