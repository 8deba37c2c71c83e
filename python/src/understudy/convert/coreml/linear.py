"""Generalised linear models: `glmRegressor` and `glmClassifier`."""

from typing import Any

import numpy as np

from understudy.convert.coreml.classes import binary, decide, labels_of, zero_reference
from understudy.convert.coreml.errors import Unsupported
from understudy.convert.coreml.graph import Graph, Prediction, Value, finite

REGRESSOR_NONE, REGRESSOR_LOGIT = 0, 1
LOGIT = 0
REFERENCE_CLASS, ONE_VS_REST = 0, 1


def _linear(graph: Graph, model: Any, rows: Value, place: str) -> str:
    """Return `[N, rows of weights]`: the linear terms."""
    if not model.weights or len(model.weights) != len(model.offset):
        raise Unsupported(f"{place}: {len(model.weights)} rows of weights and {len(model.offset)} offsets")
    for i, row in enumerate(model.weights):
        if len(row.value) != rows.width:
            raise Unsupported(f"{place}.weights[{i}]: {len(row.value)} weights for {rows.width} features")
    weights = np.stack([finite(list(row.value), f"{place}.weights") for row in model.weights], axis=1)
    offset = finite(list(model.offset), f"{place}.offset").reshape(1, -1)
    return graph.add("Add", graph.add("MatMul", rows.name, graph.constant(weights)), graph.constant(offset))


def regressor(graph: Graph, model: Any, rows: Value, place: str) -> Prediction:
    """Convert a `glmRegressor` of one target."""
    if len(model.weights) != 1:
        raise Unsupported(f"{place}.weights: {len(model.weights)} targets; 1 can be converted")
    if model.postEvaluationTransform not in (REGRESSOR_NONE, REGRESSOR_LOGIT):
        raise Unsupported(f"{place}.postEvaluationTransform: probit cannot be converted (ONNX Runtime has no Erf of doubles)")
    value = _linear(graph, model, rows, place)
    return Prediction(graph.add("Sigmoid", value) if model.postEvaluationTransform == REGRESSOR_LOGIT else value)


def classifier(graph: Graph, model: Any, rows: Value, place: str) -> Prediction:
    """Convert a `glmClassifier` with logit.

    One-vs-rest divides the sigmoids by their sum, as scikit-learn does: coremltools' tests require those probabilities.
    """
    labels = labels_of(model, place)
    if model.postEvaluationTransform != LOGIT:
        raise Unsupported(f"{place}.postEvaluationTransform: probit cannot be converted (ONNX Runtime has no Erf of doubles)")
    if model.classEncoding not in (REFERENCE_CLASS, ONE_VS_REST):
        raise Unsupported(f"{place}.classEncoding: unknown encoding {model.classEncoding}")
    one_vs_rest = model.classEncoding == ONE_VS_REST and len(labels) > 2
    expected = len(labels) if one_vs_rest else len(labels) - 1
    if len(model.weights) != expected:
        raise Unsupported(f"{place}.weights: {len(model.weights)} rows of weights; {len(labels)} classes need {expected}")
    value = _linear(graph, model, rows, place)
    if one_vs_rest:
        each = graph.add("Sigmoid", value)
        return decide(graph, graph.add("Div", each, graph.add("ReduceSum", each, graph.constant(np.array([1])))), labels)
    if len(labels) == 2:
        return decide(graph, binary(graph, graph.add("Sigmoid", value)), labels)
    return decide(graph, zero_reference(graph, value), labels)
