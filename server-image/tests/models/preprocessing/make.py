#!/usr/bin/env python3
"""Makes graphs that run before a model, and models behind them. Run `pip install onnx`, then this script. The files are committed."""

import pathlib

import onnx
from onnx import TensorProto as T
from onnx import helper as h

HERE = pathlib.Path(__file__).parent


def value(name, datatype, shape):
    return h.make_tensor_value_info(name, datatype, shape)


def save(name, nodes, inputs, outputs, initializers=()):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [h.make_opsetid("", 17), h.make_opsetid("ai.onnx.ml", 3)]
    made = h.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(made)
    (HERE / f"{name}.onnx").write_bytes(made.SerializeToString(deterministic=True))


# features = [age, 1 for NL, 2 for DE, otherwise 0]
save("encode", [
    h.make_node("Cast", ["age"], ["years"], to=T.FLOAT),
    h.make_node("LabelEncoder", ["country"], ["code"], domain="ai.onnx.ml",
                keys_strings=["NL", "DE"], values_floats=[1.0, 2.0], default_float=0.0),
    h.make_node("Concat", ["years", "code"], ["features"], axis=1),
], [value("age", T.INT64, ["n", 1]), value("country", T.STRING, ["n", 1])], [value("features", T.FLOAT, ["n", 2])])

# Between encode and the model: it takes an input of the caller, too.
save("scale", [h.make_node("Mul", ["features", "unit"], ["scaled"])],
     [value("features", T.FLOAT, ["n", 2]), value("unit", T.FLOAT, ["n", 1])], [value("scaled", T.FLOAT, ["n", 2])])

# score = 10 * first + second
for name, taken, columns in [("weigh", "features", 2), ("weigh_scaled", "scaled", 2), ("weigh_three", "features", 3)]:
    save(name, [h.make_node("MatMul", [taken, "weights"], ["score"])],
         [value(taken, T.FLOAT, ["n", columns])], [value("score", T.FLOAT, ["n", 1])],
         [h.make_tensor("weights", T.FLOAT, [columns, 1], [10, 1, 1][:columns])])

# Behind ../slow.onnx.
save("after_slow", [h.make_node("Identity", ["sum"], ["z"])], [value("sum", T.FLOAT, [])], [value("z", T.FLOAT, [])])
