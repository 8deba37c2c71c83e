"""An ONNX graph under construction: operators, constants, inputs, outputs. Equal operators on equal inputs are made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
OPSET = 17
ML_OPSET = 3
IR_VERSION = 8
"""The format version that came with opset 17."""

DOUBLE = int(TensorProto.DOUBLE)
FLOAT = int(TensorProto.FLOAT)
INT64 = int(TensorProto.INT64)
BOOL = int(TensorProto.BOOL)
STRING = int(TensorProto.STRING)


class Graph:
    """Operators in the order in which they were made. A tensor is its name."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[onnx.TensorProto] = []
        self._made: dict[Any, tuple[str, ...]] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._taken: set[str] = set()
        self._late: dict[str, dict[str, str]] = {}

    def reserve(self, names: Sequence[str]) -> None:
        """Names that inner tensors must not have: those of inputs and outputs."""
        self._taken.update(names)

    def _name(self, hint: str) -> str:
        number = len(self._made) + len(self._initializers)
        while (name := f"{hint}_{number}") in self._taken:
            number += 1
        self._taken.add(name)
        return name

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float64) -> str:
        """Return a constant tensor."""
        array = np.ascontiguousarray(np.asarray(values, dtype=dtype)).reshape(np.shape(values))
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            name = self._name("constant")
            self._initializers.append(numpy_helper.from_array(array, name))
            self._constants[key] = name
        return self._constants[key]

    def integers(self, values: npt.ArrayLike) -> str:
        """Return a constant of int64."""
        return self.constant(values, np.int64)

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Return the first output of an operator."""
        return self.outputs_of(kind, inputs, 1, domain, **attributes)[0]

    def outputs_of(self, kind: str, inputs: Sequence[str], count: int, domain: str = "", **attributes: Any) -> tuple[str, ...]:
        """All outputs of an operator."""
        try:
            key: Any = (kind, domain, tuple(inputs), count, tuple(sorted(attributes.items())))
            hash(key)
        except TypeError:
            key = object()
        if key not in self._made:
            names = tuple(self._name(kind) for _ in range(count))
            node = helper.make_node(kind, list(inputs), list(names), name=names[0], domain=domain)
            node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
            self._nodes.append(node)
            self._made[key] = names
        return self._made[key]

    def cast(self, tensor: str, to: int) -> str:
        """Return the tensor as another type."""
        return self.op("Cast", tensor, to=to)

    def add_input(self, name: str, type_: int) -> str:
        """Add an input of the model, of shape `["N", 1]`."""
        self._inputs.append(helper.make_tensor_value_info(name, type_, ["N", 1]))
        return name

    def add_output(self, name: str, tensor: str, type_: int, shape: Sequence[str | int]) -> None:
        """Add an output of the model. The name must not be that of an input."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name], name=f"output_{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, type_, list(shape)))

    def late(self, kind: str, source: str) -> str:
        """Promise a tensor that is made from `source` at the end, by `fill_late`."""
        made = self._late.setdefault(kind, {})
        if source not in made:
            made[source] = self._name(kind)
        return made[source]

    def fill_late(self, kind: str, make: Callable[[Graph, str], str]) -> None:
        """Make the tensors that `late` promised. Their operators run before all others."""
        made = self._late.pop(kind, {})
        before = self._nodes
        self._nodes = []
        for source, promised in made.items():
            self._nodes.append(helper.make_node("Identity", [make(self, source)], [promised], name=promised))
        self._nodes.extend(before)

    @property
    def rows(self) -> str:
        """The shape `[N, 1]` as a tensor."""
        return self.late("shape", "rows")

    @property
    def inputs(self) -> list[str]:
        """The names of the fields that are read so far."""
        return [each.name for each in self._inputs]

    def _needed(self) -> tuple[list[onnx.NodeProto], set[str]]:
        """Return the operators that an output needs, and the names of the tensors that they read."""
        used = {each.name for each in self._outputs}
        needed = []
        for node in reversed(self._nodes):
            if used.intersection(node.output):
                used.update(node.input)
                needed.append(node)
        return needed[::-1], used

    def model(self, metadata: dict[str, str]) -> onnx.ModelProto:
        """Return the finished model, checked."""
        self.fill_late("shape", lambda graph, _: graph.op("Shape", self._inputs[0].name))
        nodes, used = self._needed()
        initializers = [each for each in self._initializers if each.name in used]
        graph = helper.make_graph(nodes, "pmml", self._inputs, self._outputs, initializers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="understudy")
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        return model
