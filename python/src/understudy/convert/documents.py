"""Models in files of other systems, which are converted without running them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy.convert.converted import Converted
from understudy.errors import NotConvertible, UnderstudyError
from understudy.original import LABEL, PREDICTION, PROBABILITIES
from understudy.table import Column, Inputs, Kind

if TYPE_CHECKING:
    import onnx
    import pandas as pd

FORMATS = {".pmml": "PMML", ".xml": "PMML"}
"""Endings of files, and what they are."""


@dataclass(frozen=True)
class Document:
    """A file with a model."""

    format: str
    content: bytes


def convert(document: Document, answers: pd.DataFrame | None) -> Converted:
    """The model as ONNX, beside the recorded answers of the system that it comes from.

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
    inputs = inputs_of(model)
    source = recorded.original_of(answers, inputs.columns, labels, outputs, f"{document.format} document")
    return Converted(source, model, inputs, notes)


def _to_onnx(document: Document) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    from understudy.convert import pmml

    try:
        made = pmml.to_onnx(document.content)
    except ValueError as error:
        raise NotConvertible(str(error)) from error
    return made.model, made.notes


def inputs_of(model: onnx.ModelProto) -> Inputs:
    """The inputs of a model with one column for each: numbers, booleans or texts."""
    from onnx import TensorProto

    kinds = {
        TensorProto.DOUBLE: Kind.NUMBER,
        TensorProto.FLOAT: Kind.NUMBER,
        TensorProto.BOOL: Kind.BOOLEAN,
        TensorProto.STRING: Kind.TEXT,
    }
    columns, singles = [], set()
    for tensor in model.graph.input:
        kind = kinds.get(tensor.type.tensor_type.elem_type)
        if kind is None:
            raise NotConvertible(f"input {tensor.name} is neither a number, nor a boolean, nor a text")
        columns.append(Column(tensor.name, kind))
        if kind is Kind.NUMBER:
            singles.add(tensor.type.tensor_type.elem_type == TensorProto.FLOAT)
    if len(singles) > 1:
        raise NotConvertible("some inputs have 32 bits and others 64: export the model with one type of numbers")
    return Inputs(tuple(columns), vector=False, single=singles == {True})
