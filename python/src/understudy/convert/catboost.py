"""CatBoost's models, by CatBoost's own export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.convert import graph
from understudy.convert.converted import Converted
from understudy.convert.scikit_learn import original
from understudy.errors import NotConvertible
from understudy.table import Inputs, Kind

if TYPE_CHECKING:
    import onnx


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
    source = original.of(model, inputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.save_model(str(path), format="onnx")
        converted = _read(path)
    _without_maps(converted)
    graph.same_each_time(converted)
    graph.name_outputs(converted, source.outputs)
    graph.take_inputs(converted, inputs)
    return Converted(source, converted, inputs)


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
