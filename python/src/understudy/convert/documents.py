"""Models in files of other systems, which are converted without running them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy.convert import graph
from understudy.convert.converted import Converted
from understudy.errors import NotConvertible, UnderstudyError
from understudy.original import LABEL, PREDICTION, PROBABILITIES
from understudy.table import VECTOR, Column, Inputs, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx
    import pandas as pd

FORMATS = {".pmml": "PMML", ".xml": "PMML", ".mlmodel": "Core ML"}
"""Endings of files, and what they are."""


@dataclass(frozen=True)
class Document:
    """A file with a model."""

    format: str
    content: bytes


def convert(document: Document, answers: pd.DataFrame | None, names: Sequence[str]) -> Converted:
    """The model as ONNX, beside the recorded answers of the system that it comes from. `names` are the columns of a model that takes one array.

    Raises:
        NotConvertible: A part of the document has no conversion.
        UnderstudyError: There are no recorded answers to prove it with.
    """
    if document.format not in FORMATS.values():
        raise NotConvertible(f"{document.format} documents have no conversion: serve it with spec.runtime")
    if answers is None:
        raise UnderstudyError(
            f"a {document.format} document does not run here: pass `answers`, what the original system answered to the test rows, "
            "so that the conversion can be proven"
        )
    import json

    from understudy import recorded

    model, notes = _to_onnx(document)
    metadata = {each.key: each.value for each in model.metadata_props}
    labels: list[Any] = json.loads(metadata.get("labels", "[]"))
    outputs = tuple(output.name for output in model.graph.output)
    known = {LABEL, PROBABILITIES, PREDICTION}
    if not set(outputs) <= known:
        raise NotConvertible(
            f"the model has outputs {', '.join(outputs)}: recorded answers can be compared with {', '.join(sorted(known))} only"
        )
    inputs = inputs_of(model, names)
    source = recorded.original_of(answers, inputs.columns, labels, outputs, f"{document.format} document")
    return Converted(source, model, inputs, notes)


def _to_onnx(document: Document) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    from understudy.convert import coreml, pmml

    try:
        if document.format == "PMML":
            from_pmml = pmml.to_onnx(document.content)
            return from_pmml.model, from_pmml.notes
        from_coreml = coreml.to_onnx(document.content)
    except ModuleNotFoundError as error:
        raise UnderstudyError("a Core ML document needs coremltools: pip install 'understudy[coreml]'") from error
    except ValueError as error:
        raise NotConvertible(str(error)) from error
    return from_coreml.model, from_coreml.notes


def inputs_of(model: onnx.ModelProto, names: Sequence[str]) -> Inputs:
    """The inputs of a model: one for each column of numbers, booleans or texts, or one array of numbers, whose columns have these names."""
    from onnx import TensorProto

    kinds = {
        TensorProto.DOUBLE: Kind.NUMBER,
        TensorProto.FLOAT: Kind.NUMBER,
        TensorProto.BOOL: Kind.BOOLEAN,
        TensorProto.STRING: Kind.TEXT,
    }
    width = _width(model.graph.input[0])
    if len(model.graph.input) == 1 and width > 1:
        if width != len(names):
            raise NotConvertible(f"the model takes an array of {width} numbers, and the rows have {len(names)} columns")
        single = model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
        graph.name_inputs(model, [VECTOR])
        return Inputs(tuple(Column(name, Kind.NUMBER) for name in names), vector=True, single=single)
    columns, singles = [], set()
    for tensor in model.graph.input:
        kind = kinds.get(tensor.type.tensor_type.elem_type)
        if kind is None or _width(tensor) != 1:
            raise NotConvertible(
                f"input {tensor.name} is neither a number, nor a boolean, nor a text: it has {_width(tensor)} values in each row, or another type"
            )
        columns.append(Column(tensor.name, kind))
        if kind is Kind.NUMBER:
            singles.add(tensor.type.tensor_type.elem_type == TensorProto.FLOAT)
    if len(singles) > 1:
        raise NotConvertible("some inputs have 32 bits and others 64: export the model with one type of numbers")
    return Inputs(tuple(columns), vector=False, single=singles == {True})


def _width(tensor: onnx.ValueInfoProto) -> int:
    """Values in each row of an input."""
    dimensions = tensor.type.tensor_type.shape.dim
    return dimensions[1].dim_value if len(dimensions) == 2 else 0
