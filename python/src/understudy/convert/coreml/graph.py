"""A small builder of ONNX graphs, and the value of one Core ML feature in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from understudy.convert.coreml.errors import Unsupported

# The widest row that is converted: bounds the memory of one row and of the constants made for it.
MAX_WIDTH = 100_000
# All constants together. A few kilobytes of categories become a table of 128 MiB, so the size of the document is no bound.
MAX_CONSTANTS = 512 * 1024 * 1024


@dataclass(frozen=True)
class Value:
    """One feature as a tensor `[N, width]`. `type` is int64, double, string or multiArray; numbers are held as double."""

    name: str
    type: str
    width: int


@dataclass(frozen=True)
class Prediction:
    """What a classifier (label and probabilities) or a regressor (prediction) gives; names of tensors in the graph."""

    main: str
    probabilities: str | None = None
    labels: tuple[str, ...] | tuple[int, ...] = ()


@dataclass
class Graph:
    """Nodes and constants of a graph under construction, and notes for the person who publishes."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    constant_bytes: int = 0

    def constant(self, array: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self.constant_bytes += array.nbytes
        if self.constant_bytes > MAX_CONSTANTS:
            raise Unsupported(f"the constants of the converted model need more than {MAX_CONSTANTS} bytes")
        name = f"_constant_{len(self.constants)}"
        if array.dtype.kind in "US":
            self.constants.append(helper.make_tensor(name, TensorProto.STRING, array.shape, [s.encode() for s in array.flat]))
        else:
            self.constants.append(numpy_helper.from_array(array, name))
        return name

    def doubles(self, values: Sequence[float]) -> str:
        """Add a row `[1, len(values)]` of doubles."""
        return self.constant(np.asarray(values, dtype=np.float64).reshape(1, -1))

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the name of that output."""
        output = f"_value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def cast(self, value: str, to: int) -> str:
        """Add a Cast to the ONNX type `to`."""
        return self.add("Cast", value, to=to)

    def note(self, text: str) -> None:
        """Keep a note once."""
        if text not in self.notes:
            self.notes.append(text)


def numeric(value: Value, place: str) -> Value:
    """Return `value` if it holds numbers, and refuse it otherwise."""
    if value.type == "string":
        raise Unsupported(f"{place}: the input is a string; this element takes numbers")
    return value


def finite(values: Sequence[float], place: str) -> NDArray[np.float64]:
    """Return the values as an array, and refuse NaN and infinities."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise Unsupported(f"{place}: a parameter is not a finite number")
    return array
