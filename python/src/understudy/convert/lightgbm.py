"""LightGBM's boosters. Its models with scikit-learn's interface are converted as those of scikit-learn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from understudy.convert import graph
from understudy.convert.converted import Converted
from understudy.convert.scikit_learn import thresholds
from understudy.errors import NotConvertible
from understudy.original import LABEL, PREDICTION, PROBABILITIES, Original, Task
from understudy.table import VECTOR, Inputs, Kind

if TYPE_CHECKING:
    import onnx
    import pandas as pd

    from understudy.original import Answers

TASKS = {
    "binary": Task.CLASSIFICATION,
    "multiclass": Task.CLASSIFICATION,
    "regression": Task.REGRESSION,
    "regression_l1": Task.REGRESSION,
}


def recognises(model: object) -> bool:
    """Whether it is a booster of LightGBM."""
    return type(model).__module__.partition(".")[0] == "lightgbm" and type(model).__name__ == "Booster"


def convert(model: Any, inputs: Inputs) -> Converted:
    """The booster as ONNX. It compares 64-bit numbers, and so does the converted model."""
    from onnx import TensorProto
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    objective = model.dump_model()["objective"].split(" ")[0]
    if objective not in TASKS:
        raise NotConvertible(
            f"a LightGBM booster with the objective {objective} is not converted: use one of {', '.join(TASKS)}, or serve it with spec.runtime"
        )
    if any(column.kind is Kind.TEXT for column in inputs.columns):
        raise NotConvertible("a LightGBM booster takes numbers only: encode texts before the training, in a pipeline")
    source = _original(model, inputs, TASKS[objective])
    given = [(VECTOR, FloatTensorType([None, len(inputs.columns)]))]
    converted: onnx.ModelProto = convert_lightgbm(model, initial_types=given, zipmap=False, target_opset=15)
    for node in converted.graph.node:
        if node.op_type.startswith("TreeEnsemble") and thresholds.in_double(node, SimpleNamespace(booster_=model)):
            converted.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
            for opset in converted.opset_import:
                opset.version = 3 if opset.domain == "ai.onnx.ml" else opset.version
    graph.same_each_time(converted)
    graph.name_outputs(converted, source.outputs)
    graph.take_inputs(converted, inputs)
    return Converted(source, converted, inputs)


def _original(model: Any, inputs: Inputs, task: Task) -> Original:
    import lightgbm
    import numpy as np

    def given(rows: pd.DataFrame) -> Any:
        return rows[inputs.names].to_numpy(dtype=np.float64)

    def classified(rows: pd.DataFrame) -> Answers:
        scores = np.asarray(model.predict(given(rows)))
        both = np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores
        return {LABEL: both.argmax(axis=1), PROBABILITIES: both}

    def regressed(rows: pd.DataFrame) -> Answers:
        return {PREDICTION: np.asarray(model.predict(given(rows))).reshape(len(rows), -1)}

    described = f"Booster, lightgbm {lightgbm.__version__}"
    if task is Task.CLASSIFICATION:
        labels = tuple(range(max(2, model.num_model_per_iteration())))
        return Original(task, inputs.columns, labels, (LABEL, PROBABILITIES), classified, described)
    return Original(task, inputs.columns, (), (PREDICTION,), regressed, described)
