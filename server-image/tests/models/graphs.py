"""What all test models are made with."""

import pathlib

from onnx import TensorProto as T
from onnx import helper as h

HERE = pathlib.Path(__file__).parent
OPSET = 17


def value(name, datatype, shape):
    return h.make_tensor_value_info(name, datatype, shape)


def model(name, nodes, inputs, outputs, initializers=(), functions=(), opsets=(), **properties):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    imports = [h.make_opsetid("", OPSET)] + [h.make_opsetid(domain, 1) for domain in opsets]
    made = h.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=8)
    if properties:
        h.set_model_props(made, properties)
    return made


def save(path, content):
    path = HERE / path
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString(deterministic=True))


def identity(datatype, shape=("n",)):
    nodes = [h.make_node("Identity", ["x"], ["y"])]
    return model("identity", nodes, [value("x", datatype, shape)], [value("y", datatype, shape)])


def number(name, datatype, shape, numbers):
    return h.make_tensor(name, datatype, shape, numbers)
