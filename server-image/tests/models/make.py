#!/usr/bin/env python3
"""Makes the models of the server's tests. Run `pip install onnx numpy`, then this script. The files are committed.

The good models are small, and their shapes and datatypes reveal swapped inputs, rows, columns or datatypes.
Each hostile model is wrong in one way. tests/server/hostile.rs has the expected error of each.
"""

import pathlib

import numpy
import onnx
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


DATATYPES = {
    "BOOL": T.BOOL, "UINT8": T.UINT8, "UINT16": T.UINT16, "UINT32": T.UINT32, "UINT64": T.UINT64,
    "INT8": T.INT8, "INT16": T.INT16, "INT32": T.INT32, "INT64": T.INT64,
    "FP16": T.FLOAT16, "BF16": T.BFLOAT16, "FP32": T.FLOAT, "FP64": T.DOUBLE, "BYTES": T.STRING,
}


def good():
    for name, datatype in DATATYPES.items():
        save(f"identity/{name}.onnx", identity(datatype))
    save("scalar.onnx", identity(T.FLOAT, ()))
    save("matrix.onnx", identity(T.FLOAT, ("rows", 3)))
    # Two inputs, and two outputs that reveal swapped inputs.
    save("difference.onnx", model(
        "difference",
        [h.make_node("Sub", ["left", "right"], ["difference"]), h.make_node("Mul", ["left", "right"], ["product"])],
        [value("left", T.FLOAT, ["n", 2]), value("right", T.FLOAT, ["n", 2])],
        [value("difference", T.FLOAT, ["n", 2]), value("product", T.FLOAT, ["n", 2])]))
    # One input for each column, like an exported scikit-learn pipeline with a ColumnTransformer.
    save("columns.onnx", model(
        "columns",
        [h.make_node("Identity", ["age"], ["years"]), h.make_node("Identity", ["country"], ["home"])],
        [value("age", T.INT64, ["n", 1]), value("country", T.STRING, ["n", 1])],
        [value("years", T.INT64, ["n", 1]), value("home", T.STRING, ["n", 1])]))
    weights = number("weights", T.FLOAT, [3, 1], [1, 10, 100])
    for name, properties in {
        "named_vector": {"feature_names": '["age","height","weight"]'},
        "nameless_vector": {},
    }.items():
        save(f"{name}.onnx", model(
            name, [h.make_node("MatMul", ["features", "weights"], ["score"])],
            [value("features", T.FLOAT, ["n", 3])], [value("score", T.FLOAT, ["n", 1])], [weights], **properties))
    save("slow.onnx", slow())
    # The index 1 - x into one element: only x = 1 is valid.
    save("only_ones.onnx", gather("Sub"))
    # 1 / x and log(x) can be NaN or infinity, which have no JSON form.
    save("not_finite.onnx", model(
        "not_finite", [h.make_node("Reciprocal", ["x"], ["y"]), h.make_node("Log", ["x"], ["z"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"]), value("z", T.FLOAT, ["n"])]))
    # [n] to [n, n]: the size of the output depends on the input.
    save("outer.onnx", model(
        "outer", [h.make_node("Unsqueeze", ["x", "one"], ["column"]), h.make_node("Mul", ["x", "column"], ["y"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n", "n"])], [number("one", T.INT64, [1], [1])]))


def slow():
    """A loop of `rounds` + 2,000 matrix products. It is never a light model, and a test chooses how slow it is."""
    body = h.make_graph(
        [h.make_node("MatMul", ["state", "matrix"], ["next"]), h.make_node("Identity", ["go"], ["on"])],
        "body",
        [value("round", T.INT64, []), value("go", T.BOOL, []), value("state", T.FLOAT, [16, 16])],
        [value("on", T.BOOL, []), value("next", T.FLOAT, [16, 16])])
    eye = numpy.eye(16, dtype=numpy.float32).flatten()
    return model(
        "slow",
        [h.make_node("Add", ["rounds", "least"], ["all"]),
         h.make_node("Reshape", ["all", "nothing"], ["trips"]),
         h.make_node("Loop", ["trips", "yes", "matrix"], ["last"], body=body),
         h.make_node("Identity", ["rounds"], ["done"]),
         h.make_node("ReduceSum", ["last"], ["sum"], keepdims=0)],
        [value("rounds", T.INT64, [1])],
        [value("done", T.INT64, [1]), value("sum", T.FLOAT, [])],
        [number("least", T.INT64, [1], [2000]), number("nothing", T.INT64, [0], []),
         number("yes", T.BOOL, [], [True]), number("matrix", T.FLOAT, [16, 16], eye)])


def gather(operator):
    return model(
        "gather",
        [h.make_node(operator, ["seven" if operator == "Add" else "one", "x"], ["index"]),
         h.make_node("Gather", ["data", "index"], ["y"])],
        [value("x", T.INT64, ["n"])], [value("y", T.FLOAT, ["n"])],
        [number("data", T.FLOAT, [1], [2.5]), number("one", T.INT64, [1], [1]), number("seven", T.INT64, [1], [7])])


def with_initializer(tensor):
    """x + w, with this tensor as w."""
    return model("sum", [h.make_node("Add", ["x", "w"], ["y"])], [value("x", T.FLOAT, ["n"])],
                 [value("y", T.FLOAT, ["n"])], [tensor])


def external(location):
    tensor = T(name="w", data_type=T.FLOAT, dims=[1], data_location=T.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def branch(graph_of, name):
    return h.make_graph(graph_of, name, [], [value(name, T.FLOAT, None)])


def hostile():
    whole = identity(T.FLOAT).SerializeToString()
    save("hostile/empty.onnx", b"")
    save("hostile/text.onnx", b"this is a README, uploaded in place of the model\n")
    save("hostile/pickle.onnx", b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.")
    save("hostile/ort_format.onnx", b"\x1c\x00\x00\x00ORTM" + bytes(56))
    save("hostile/truncated.onnx", whole[:-9])
    save("hostile/length_beyond_end.onnx", b"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + whole)
    save("hostile/no_graph.onnx", onnx.ModelProto(ir_version=8, opset_import=[h.make_opsetid("", OPSET)]))
    save("hostile/two_graphs.onnx", whole + b"\x3a\x02\x12\x00")
    save("hostile/external_absolute.onnx", with_initializer(external("/etc/passwd")))
    save("hostile/external_parent.onnx", with_initializer(external("../../../../etc/passwd")))
    constant = h.make_node("Constant", [], ["w"], value=external("weights.bin"))
    save("hostile/external_in_attribute.onnx", model(
        "constant", [constant, h.make_node("Add", ["x", "w"], ["y"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])]))
    then = branch([h.make_node("Constant", [], ["a"], value=external("weights.bin"))], "a")
    other = branch([h.make_node("Constant", [], ["b"], value=number("v", T.FLOAT, [1], [1]))], "b")
    save("hostile/external_in_branch.onnx", model(
        "branch", [h.make_node("If", ["x"], ["y"], then_branch=then, else_branch=other)],
        [value("x", T.BOOL, [])], [value("y", T.FLOAT, None)]))
    for name, dims in {"huge": [1 << 40], "overflow": [1 << 32, 1 << 32], "negative": [-4]}.items():
        save(f"hostile/{name}_dimensions.onnx", with_initializer(
            T(name="w", data_type=T.FLOAT, dims=dims, raw_data=bytes(16))))
    save("hostile/too_little_data.onnx", with_initializer(
        T(name="w", data_type=T.FLOAT, dims=[1000], float_data=[1.0, 2.0])))
    sparse = model("sparse", [h.make_node("Add", ["x", "w"], ["y"])], [value("x", T.FLOAT, ["n"])],
                   [value("y", T.FLOAT, ["n"])])
    sparse.graph.sparse_initializer.append(h.make_sparse_tensor(
        number("w", T.FLOAT, [1], [1]), number("i", T.INT64, [1], [5]), [1 << 40]))
    save("hostile/sparse_bomb.onnx", sparse)
    inner = branch([h.make_node("Constant", [], ["v"], value=number("v", T.FLOAT, [1], [1]))], "v")
    # protobuf itself rejects a hundred levels. Each round adds three.
    for level in range(24):
        inner = branch([h.make_node("If", ["x"], [f"v{level}"], then_branch=inner, else_branch=other)], f"v{level}")
    deep = h.make_graph(list(inner.node), "deep", [value("x", T.BOOL, [])], list(inner.output))
    save("hostile/deep_nesting.onnx", h.make_model(deep, opset_imports=[h.make_opsetid("", OPSET)], ir_version=8))
    save("hostile/function_bomb.onnx", functions(24))
    save("hostile/recursive_function.onnx", functions(3, last_calls_first=True))
    save("hostile/huge_input.onnx", identity(T.FLOAT, (1 << 20, 1 << 20)))
    save("hostile/unknown_operator.onnx", model(
        "custom", [h.make_node("Backdoor", ["x"], ["y"], domain="evil.corp")],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])], opsets=["evil.corp"]))
    save("hostile/cycle.onnx", model(
        "cycle", [h.make_node("Add", ["x", "b"], ["a"]), h.make_node("Add", ["x", "a"], ["b"]),
                  h.make_node("Identity", ["b"], ["y"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])]))
    sequence = h.make_tensor_sequence_value_info("y", T.FLOAT, None)
    save("hostile/sequence_output.onnx", model(
        "sequence", [h.make_node("SequenceConstruct", ["x"], ["y"])], [value("x", T.FLOAT, ["n"])], [sequence]))
    save("hostile/complex_input.onnx", identity(T.COMPLEX64))
    save("hostile/future_opset.onnx", h.make_model(
        h.make_graph([h.make_node("Identity", ["x"], ["y"])], "future", [value("x", T.FLOAT, ["n"])],
                     [value("y", T.FLOAT, ["n"])]), opset_imports=[h.make_opsetid("", 9999)], ir_version=8))
    save("hostile/fails_when_run.onnx", gather("Add"))


def functions(count, last_calls_first=False):
    """f0 calls f1 twice, f1 calls f2 twice, ..."""
    made = []
    for index in range(count):
        last = index + 1 == count
        operator, domain = ("f0", "mine") if last and last_calls_first else \
            ("Identity", "") if last else (f"f{index + 1}", "mine")
        nodes = [h.make_node(operator, ["x"], ["t"], domain=domain), h.make_node(operator, ["t"], ["y"], domain=domain)]
        made.append(h.make_function("mine", f"f{index}", ["x"], ["y"], nodes,
                                    [h.make_opsetid("", OPSET), h.make_opsetid("mine", 1)]))
    return model("functions", [h.make_node("f0", ["x"], ["y"], domain="mine")], [value("x", T.FLOAT, ["n"])],
                 [value("y", T.FLOAT, ["n"])], functions=made, opsets=["mine"])


good()
hostile()
