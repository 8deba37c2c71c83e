"""CatBoost's models, by CatBoost's own export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.convert import graph
from understudy.convert.converted import Converted
from understudy.errors import NotConvertible
from understudy.original import LABEL, PREDICTION, PROBABILITIES, Original, Task
from understudy.table import Inputs, Kind

if TYPE_CHECKING:
    import onnx
    import pandas as pd

    from understudy.original import Answers


def recognises(model: object) -> bool:
    """Whether it is a model of CatBoost."""
    return type(model).__module__.partition(".")[0] == "catboost" and hasattr(model, "save_model")


def convert(model: Any, inputs: Inputs) -> Converted:
    """The model as ONNX. CatBoost itself computes with 32-bit numbers, so they are narrowed where the trees begin."""
    texts = [column.name for column in inputs.columns if column.kind is Kind.TEXT]
    if texts or model.get_cat_feature_indices():
        raise NotConvertible(
            f"CatBoost exports no categorical features ({', '.join(texts[:5])}): encode them before the training, "
            "or serve the model with spec.runtime"
        )
    source = _original(model, inputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.save_model(str(path), format="onnx")
        converted = _read(path)
    _without_maps(converted)
    graph.same_each_time(converted)
    graph.name_outputs(converted, source.outputs)
    if not inputs.vector:
        graph.join_columns(converted, inputs)
    else:
        graph.take_doubles(converted, inputs)
    return Converted(source, converted, inputs)


def _original(model: Any, inputs: Inputs) -> Original:
    import catboost
    import numpy as np

    def given(rows: pd.DataFrame) -> Any:
        return rows[inputs.names].to_numpy(dtype=np.float64)

    def classified(rows: pd.DataFrame) -> Answers:
        return {LABEL: np.ravel(model.predict(given(rows))), PROBABILITIES: np.asarray(model.predict_proba(given(rows)))}

    def regressed(rows: pd.DataFrame) -> Answers:
        return {PREDICTION: np.asarray(model.predict(given(rows))).reshape(len(rows), -1)}

    described = f"{type(model).__name__}, catboost {catboost.__version__}"
    if model._estimator_type == "classifier":
        labels = tuple(each.item() if hasattr(each, "item") else each for each in model.classes_)
        return Original(Task.CLASSIFICATION, inputs.columns, labels, (LABEL, PROBABILITIES), classified, described)
    return Original(Task.REGRESSION, inputs.columns, (), (PREDICTION,), regressed, described)


def _read(path: Path) -> onnx.ModelProto:
    import onnx

    return onnx.load(str(path))


def _without_maps(model: onnx.ModelProto) -> None:
    """Answers the scores as one tensor. CatBoost ends in a list of maps."""
    from onnx import TensorProto, helper

    maps = [node for node in model.graph.node if node.op_type == "ZipMap"]
    for node in maps:
        (scores,), (listed,) = node.input, node.output
        model.graph.node.remove(node)
        outputs = [each for each in model.graph.output if each.name != listed]
        del model.graph.output[:]
        model.graph.output.extend([*outputs, helper.make_tensor_value_info(scores, TensorProto.FLOAT, [None, None])])
