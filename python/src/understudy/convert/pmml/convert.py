"""A PMML document as an ONNX model."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import onnx

from .context import Context
from .dictionary import Dictionary
from .document import Element, read
from .graph import DOUBLE, INT64, ML, STRING
from .mining import MODELS
from .models import DocumentModels
from .outcome import Outcome, Target
from .output import note_unused
from .refusal import MalformedPmmlError, UnsupportedPmmlError, malformed, unsupported
from .scope import Scope
from .values import is_whole

NO_INTEGER_LABEL = int(np.iinfo(np.int64).min)
"""The label of a row without a prediction, if labels are integers: int64 has no missing value."""

_NOT_MODELS = ("Header", "MiningBuildTask", "DataDictionary", "TransformationDictionary")


@dataclass(frozen=True)
class Converted:
    """An ONNX model, and what whoever serves it must know about it."""

    model: onnx.ModelProto
    notes: tuple[str, ...]
    """Sentences: what the model does not give, or does differently from other consumers of PMML."""


def to_onnx(document: bytes) -> Converted:
    """Convert a PMML document (3.x to 4.4) to an ONNX model (opset 17, ai.onnx.ml 3).

    Inputs: one tensor of shape `["N", 1]` for each active field that the model reads, with the field's name: double for numbers
    (NaN is missing), string for strings (the empty string is missing), bool for booleans. Outputs: `label` (string or int64,
    `["N"]`) and `probabilities` (double, `["N", classes]`, if the model has them) of a classification; `prediction` (double,
    `["N", 1]`) of a regression. A row without a result has NaN, and the label "" or the smallest int64. Metadata: `labels`, a
    JSON list of the classes in the order of `probabilities`; `target`, the field that is predicted; `notes`, a JSON list.

    Raises `UnsupportedPmmlError` for what cannot be converted with certainty, and `MalformedPmmlError` for what is not a valid
    document.
    """
    try:
        return _convert(read(document))
    except RecursionError:
        raise UnsupportedPmmlError(
            "cannot convert the document: its fields are derived from one another in a chain that is too long; serve it as it is"
            " with spec.runtime"
        ) from None


def _convert(root: Element) -> Converted:
    context = Context()
    dictionary = Dictionary(context, root)
    context.graph.reserve(["label", "probabilities", "prediction"])
    model = _the_model(root)
    models = DocumentModels(root, dictionary)
    opened = models.open(model, Scope(context), None)
    outcome = models.convert(model, opened)
    if not context.graph.inputs:
        raise unsupported(model, "the model reads no field")
    taken = {"label", "probabilities"} if outcome.purpose == "classification" else {"prediction"}
    for name in taken.intersection(context.graph.inputs):
        raise unsupported(model, f"the field {name!r} has the name of an output")
    note_unused(model, opened.scope)
    metadata = _give(model, outcome, opened.target, context)
    dictionary.close()
    if opened.target.field is not None:
        metadata["target"] = opened.target.field.name
    metadata["notes"] = json.dumps(list(context.notes()), ensure_ascii=False)
    try:
        return Converted(context.graph.model(metadata), context.notes())
    except onnx.checker.ValidationError as error:
        raise unsupported(model, f"the graph that was made of it is not valid: {str(error)[:200]}") from error


def _the_model(root: Element) -> Element:
    models = [child for child in root.children if child.tag not in _NOT_MODELS]
    if not models:
        raise MalformedPmmlError("PMML: the document has no model; export it again")
    scorable = [model for model in models if model.get("isScorable", "true") not in ("false", "0")]
    if len(scorable) > 1:
        raise unsupported(scorable[1], "the document has several models, and does not say which one to use")
    model = (scorable or models)[0]
    if model.tag not in MODELS:
        raise unsupported(model, f"models of this kind are not supported; {', '.join(MODELS)} are")
    return model


def _give(model: Element, outcome: Outcome, target: Target, context: Context) -> dict[str, str]:
    """Make the outputs of the graph; gives the metadata about them."""
    graph = context.graph
    if outcome.purpose == "regression":
        graph.add_output("prediction", graph.op("Expand", outcome.value.tensor, graph.rows), DOUBLE, ["N", 1])
        return {"function": "regression"}
    if not outcome.classes:
        raise malformed(model, "the document names no classes")
    flat = graph.op("Reshape", outcome.value.tensor, graph.integers([-1]))
    absent = graph.op("IsNaN", flat)
    number = graph.cast(graph.op("Where", absent, graph.constant(-1.0), flat), INT64)
    labels: list[str] | list[int]
    if outcome.value.kind == "number" and all(is_whole(class_) and abs(class_) < 2**53 for class_ in outcome.classes):
        labels = [int(class_) for class_ in outcome.classes]
        label = graph.op("Where", absent, graph.integers(NO_INTEGER_LABEL), number)
        graph.add_output("label", label, INT64, ["N"])
        context.note(f"a row without a prediction has the label {NO_INTEGER_LABEL}: an int64 tensor has no missing value")
    else:
        if outcome.value.kind == "number":
            raise unsupported(model, "the classes are numbers, but not whole numbers")
        if outcome.value.kind == "text":
            texts = context.vocabulary.texts()
            labels = [texts[int(class_)] for class_ in outcome.classes]
        else:
            labels = ["true" if class_ == 1.0 else "false" for class_ in outcome.classes]
        keys = [int(class_) for class_ in outcome.classes]
        label = graph.op(
            "LabelEncoder", number, domain=ML, keys_int64s=tuple(keys), values_strings=tuple(labels), default_string=""
        )
        graph.add_output("label", label, STRING, ["N"])
    if outcome.probabilities is None:
        context.note(f"{model.place}: the model has no probabilities, so there is no output `probabilities`")
    else:
        graph.add_output("probabilities", outcome.probabilities, DOUBLE, ["N", len(labels)])
    return {"function": "classification", "labels": json.dumps(labels, ensure_ascii=False)}
