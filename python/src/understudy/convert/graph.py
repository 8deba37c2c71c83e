"""Inputs and outputs of the converted graph: their names, and columns that a model takes as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from understudy.errors import NotConvertible
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


def take_inputs(model: onnx.ModelProto, inputs: Inputs) -> None:
    """Makes a model of one vector take these inputs: their columns, or their vector."""
    if inputs.vector:
        _take_doubles(model, inputs)
    else:
        join_columns(model, inputs)


def join_columns(model: onnx.ModelProto, inputs: Inputs) -> None:
    """Puts the columns together to the vector that the model takes, in the type in which it takes it."""
    from onnx import TensorProto, helper

    texts = [column.name for column in inputs.columns if column.kind is Kind.TEXT]
    if texts and len(texts) < len(inputs.columns):
        raise NotConvertible(f"the model takes texts ({', '.join(texts[:5])}) and numbers in one table, which ONNX cannot")
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
    (vector,) = model.graph.input
    taken = vector.type.tensor_type.elem_type
    if number == taken or taken == TensorProto.STRING:
        nodes.append(helper.make_node("Concat", parts, [VECTOR], name="join_columns", axis=1))
    else:
        nodes.append(helper.make_node("Concat", parts, ["joined"], name="join_columns", axis=1))
        nodes.append(helper.make_node("Cast", ["joined"], [VECTOR], name="narrow_columns", to=taken))
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    del model.graph.input[:]
    model.graph.input.extend(helper.make_tensor_value_info(column.name, types[column.kind], [None, 1]) for column in inputs.columns)


def _take_doubles(model: onnx.ModelProto, inputs: Inputs) -> None:
    """Makes a model that takes a vector of 32-bit numbers take one of 64-bit numbers, if those are the inputs."""
    from onnx import TensorProto, helper

    (vector,) = model.graph.input
    if inputs.single or vector.type.tensor_type.elem_type != TensorProto.FLOAT:
        name_inputs(model, [VECTOR])
        return
    name_inputs(model, ["narrow"])
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([helper.make_node("Cast", [VECTOR], ["narrow"], name="narrow_vector", to=TensorProto.FLOAT), *rest])
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info(VECTOR, TensorProto.DOUBLE, [None, len(inputs.columns)]))
