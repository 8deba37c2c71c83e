"""Inputs and outputs of the converted graph: their names, and columns that a model takes as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from understudy.table import VECTOR, Kind

if TYPE_CHECKING:
    import onnx

    from understudy.table import Inputs


def name_inputs(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """Gives the inputs these names. skl2onnx changes names that are no identifiers."""
    given = {tensor.name: name for tensor, name in zip(model.graph.input, names, strict=True)}
    changed = {old: new for old, new in given.items() if old != new}
    inner = {each for node in model.graph.node for each in node.output} | {tensor.name for tensor in model.graph.initializer}
    for clash in inner & set(changed.values()):
        _rename(model, clash, f"{clash}_of_a_step")
    for node in model.graph.node:
        node.input[:] = [changed.get(each, each) for each in node.input]
    for tensor in model.graph.input:
        tensor.name = given[tensor.name]


def name_outputs(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """Gives the outputs these names."""
    for output, name in zip(model.graph.output, names, strict=True):
        if output.name != name:
            _rename(model, name, f"{name}_of_a_step")
            _rename(model, output.name, name)
            output.name = name


def same_each_time(model: onnx.ModelProto) -> None:
    """Removes what differs from one conversion of the same model to the next: a random name, and the order of a set."""
    model.graph.name = "model"
    opsets = sorted(model.opset_import, key=lambda each: each.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)


def _rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        node.input[:] = [new if each == old else each for each in node.input]
        node.output[:] = [new if each == old else each for each in node.output]
    for tensor in model.graph.initializer:
        tensor.name = new if tensor.name == old else tensor.name


def join_columns(model: onnx.ModelProto, inputs: Inputs) -> None:
    """Puts the columns together to the vector that the model takes."""
    from onnx import TensorProto, helper

    number = TensorProto.FLOAT if inputs.single else TensorProto.DOUBLE
    types = {Kind.NUMBER: number, Kind.BOOLEAN: TensorProto.BOOL, Kind.TEXT: TensorProto.STRING}
    nodes, parts = [], []
    for place, column in enumerate(inputs.columns):
        part = f"column_{place}"
        parts.append(part)
        if column.kind is Kind.BOOLEAN:
            nodes.append(helper.make_node("Cast", [column.name], [part], name=f"take_{place}", to=number))
        else:
            nodes.append(helper.make_node("Identity", [column.name], [part], name=f"take_{place}"))
    nodes.append(helper.make_node("Concat", parts, [VECTOR], name="join_columns", axis=1))
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    del model.graph.input[:]
    model.graph.input.extend(helper.make_tensor_value_info(column.name, types[column.kind], [None, 1]) for column in inputs.columns)
