#!/usr/bin/env python3
"""Makes the models of the server's tests. Run `pip install onnx numpy`, then this script. The files are committed.

The good models are small, and their shapes and datatypes reveal swapped inputs, rows, columns or datatypes.
Each hostile model is wrong in one way. tests/server/hostile.rs has the expected error of each.
"""

import json
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
    # The same without a minimum: its warm-up is light, and only the value makes a call slow.
    save("patient.onnx", slow(0))
    # Rows that can be joined into one run, and rows that depend on each other.
    save("heavy.onnx", heavy())
    save("heavy_mean.onnx", heavy(h.make_node("ReduceMean", ["wide"], ["shift"], axes=[0])))
    # The index 1 - x into one element: only x = 1 is valid.
    save("only_ones.onnx", gather("Sub"))
    # The index 7 + x into one element: only x = -7 and x = -8 are valid, and no warm-up guesses them.
    save("minus_seven.onnx", gather("Add"))
    # 1 / x and log(x) can be NaN or infinity, which have no JSON form.
    save("not_finite.onnx", model(
        "not_finite", [h.make_node("Reciprocal", ["x"], ["y"]), h.make_node("Log", ["x"], ["z"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"]), value("z", T.FLOAT, ["n"])]))
    # The scores of a classifier as scikit-learn exports them: a sequence of maps. 1 - x and x.
    for kind, labels in {"strings": ["good", "bad"], "int64s": [10, 2]}.items():
        key = T.STRING if kind == "strings" else T.INT64
        maps = onnx.helper.make_sequence_type_proto(onnx.helper.make_map_type_proto(
            key, onnx.helper.make_tensor_type_proto(T.FLOAT, [])))
        save(f"zipmap_{kind}.onnx", h.make_model(
            h.make_graph(
                [h.make_node("Sub", ["one", "x"], ["other"]), h.make_node("Concat", ["other", "x"], ["both"], axis=1),
                 h.make_node("ZipMap", ["both"], ["scores"], domain="ai.onnx.ml", **{f"classlabels_{kind}": labels})],
                "zipmap", [value("x", T.FLOAT, ["n", 1])], [h.make_value_info("scores", maps)],
                [number("one", T.FLOAT, [1], [1])]),
            opset_imports=[h.make_opsetid("", OPSET), h.make_opsetid("ai.onnx.ml", 1)], ir_version=8))
    # Only operators of ai.onnx.ml, as some exporters write trees and linear models.
    save("ml_only.onnx", h.make_model(
        h.make_graph([h.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[1.0, 2.0], scale=[10.0, 100.0])],
                     "scaler", [value("x", T.FLOAT, ["n", 2])], [value("y", T.FLOAT, ["n", 2])]),
        opset_imports=[h.make_opsetid("ai.onnx.ml", 3)], ir_version=8))
    # Runs with frames of 256 only, like a model of speech, and its rows are free.
    save("frames.onnx", model(
        "frames", [h.make_node("MatMul", ["audio", "weights"], ["score"])],
        [value("audio", T.FLOAT, ["rows", "samples"])], [value("score", T.FLOAT, ["rows", 1])],
        [number("weights", T.FLOAT, [256, 1], [1.0] * 256)]))
    # The values are the shape of the output: a request of eight bytes decides how much memory it takes.
    save("expanding.onnx", model(
        "expanding", [h.make_node("ConstantOfShape", ["shape"], ["y"])],
        [value("shape", T.INT64, [1])], [value("y", T.FLOAT, ["n"])]))
    save("wide.onnx", model(
        "wide", [h.make_node("ConstantOfShape", ["shape"], ["flat"]), h.make_node("Unsqueeze", ["flat", "zero"], ["y"])],
        [value("shape", T.INT64, ["n"])], [value("y", T.FLOAT, ["rows", "n"])], [number("zero", T.INT64, [1], [0])]))
    # [n] to [n, n]: the size of the output depends on the input.
    # Each integer of an input matters: a shape that 24 values must fit, and axes that must differ.
    save("shape_input.onnx", model(
        "shape_input", [h.make_node("Reshape", ["x", "shape"], ["y"])],
        [value("x", T.FLOAT, [2, 3, 4]), value("shape", T.INT64, [2])], [value("y", T.FLOAT, ["a", "b"])]))
    save("slice_inputs.onnx", model(
        "slice_inputs", [h.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])],
        [value("x", T.FLOAT, [3, 4])] + [value(name, T.INT64, [2]) for name in ("starts", "ends", "axes", "steps")],
        [value("y", T.FLOAT, ["a", "b"])]))
    # Neither input nor output has a shape. The first takes any rank, the second images.
    save("any_shape.onnx", identity(T.FLOAT, None))
    save("image_of_any_shape.onnx", model(
        "image_of_any_shape", [h.make_node("GlobalMaxPool", ["x"], ["y"])],
        [value("x", T.FLOAT, None)], [value("y", T.FLOAT, None)]))
    # Inputs that the model can do without. One has a shape, which is that of a scalar, and the other has none.
    optional = [h.make_value_info(name, h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, shape)))
                for name, shape in (("scale", []), ("x", None))]
    save("optional_inputs.onnx", model(
        "optional_inputs",
        [h.make_node("OptionalGetElement", ["scale"], ["s"]), h.make_node("OptionalGetElement", ["x"], ["v"]),
         h.make_node("Mul", ["s", "v"], ["y"])], optional, [value("y", T.FLOAT, None)]))
    save("outer.onnx", model(
        "outer", [h.make_node("Unsqueeze", ["x", "one"], ["column"]), h.make_node("Mul", ["x", "column"], ["y"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n", "n"])], [number("one", T.INT64, [1], [1])]))
    for_the_form()


def for_the_form():
    """An image, thousands of features, and names that would be markup or end a text if a page did not escape them."""
    save("image.onnx", model(
        "image", [h.make_node("GlobalAveragePool", ["image"], ["mean"]), h.make_node("Flatten", ["mean"], ["flat"]),
                  h.make_node("Softmax", ["flat"], ["probabilities"])],
        [value("image", T.FLOAT, ["n", 3, 32, 32])], [value("probabilities", T.FLOAT, ["n", 3])]))
    names = json.dumps([f"f{position}" for position in range(2048)])
    save("thousands.onnx", model(
        "thousands", [h.make_node("ReduceMax", ["x"], ["largest"], axes=[1], keepdims=0)],
        [value("x", T.FLOAT, ["n", 2048])], [value("largest", T.FLOAT, ["n"])], feature_names=names))
    markup = ["<script>alert('feature')</script>", "\"'><img src=x onerror=alert('feature')>"]
    classes = ["<script>alert('class')</script>", "it's a \"class\" & <b>bold</b> `x` \\"]
    scores = "</script><script>alert('output')</script>"
    maps = h.make_sequence_type_proto(h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(T.FLOAT, [])))
    made = h.make_model(
        h.make_graph(
            [h.make_node("Softmax", ["x"], ["both"]),
             h.make_node("ZipMap", ["both"], [scores], domain="ai.onnx.ml", classlabels_strings=classes)],
            "markup", [value("x", T.FLOAT, ["n", 2])], [h.make_value_info(scores, maps)]),
        opset_imports=[h.make_opsetid("", OPSET), h.make_opsetid("ai.onnx.ml", 1)], ir_version=8)
    h.set_model_props(made, {"feature_names": json.dumps(markup)})
    save("markup.onnx", made)


def slow(least=2000):
    """A loop of `rounds` + `least` matrix products. A test chooses how slow it is."""
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
        [number("least", T.INT64, [1], [least]), number("nothing", T.INT64, [0], []),
         number("yes", T.BOOL, [], [True]), number("matrix", T.FLOAT, [16, 16], eye)])


def heavy(shift=None):
    """y = x, by a product with 16 MB of weights: many rows take little longer than one. With `shift`, y = wide - shift."""
    size = 2048
    weight = h.make_tensor("weight", T.FLOAT, [1], [1 / size])
    last = [h.make_node("Identity", ["wide"], ["y"])]
    if shift:
        last = [shift, h.make_node("Sub", ["wide", "shift"], ["y"])]
    return model(
        "wide",
        [h.make_node("ConstantOfShape", ["square"], ["weights"], value=weight),
         h.make_node("Expand", ["one", "row"], ["ones"]),
         h.make_node("MatMul", ["x", "ones"], ["spread"]),
         h.make_node("MatMul", ["spread", "weights"], ["product"]),
         h.make_node("ReduceMean", ["product"], ["wide"], axes=[1]), *last],
        [value("x", T.FLOAT, ["rows", 1])], [value("y", T.FLOAT, ["rows", 1])],
        [number("square", T.INT64, [2], [size, size]), number("row", T.INT64, [2], [1, size]),
         number("one", T.FLOAT, [1, 1], [1])])


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
    save("hostile/no_operators.onnx", onnx.ModelProto(ir_version=8, graph=identity(T.FLOAT).graph))
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
    # Readers of protobuf differ in what they accept. These show one model to the inspection and another to ONNX Runtime.
    save("hostile/hidden_external.onnx", raw_model(
        raw_tensor() + long_key(13, 2) + sized(entry("location", "/etc/passwd")) + long_key(14, 0) + varint(1)))
    save("hostile/hidden_initializer.onnx", raw_model(
        raw_tensor(), long_key(5, 2) + sized(external("/etc/passwd").SerializeToString())))
    kilo = T(data_type=T.FLOAT, dims=[1024], raw_data=bytes(4096)).SerializeToString()
    constant = field(4, b"Constant") + field(2, b"w") + field(
        5, field(1, b"value") + field(20, 4, wire=0) + b"".join(field(5, kilo) for _ in range(4)))
    save("hostile/merged_tensors.onnx", raw_model(raw_tensor("v"), field(1, constant)))
    save("hostile/overloaded_functions.onnx", overloaded(functions(24)))
    twice = functions(2)
    twice.functions.append(twice.functions[0])
    save("hostile/function_twice.onnx", twice)
    many = functions(1)
    for index in range(10_001):
        many.functions.append(h.make_function("other", f"g{index}", [], [], [], []))
    save("hostile/many_functions.onnx", many)
    save("hostile/no_datatype.onnx", with_initializer(T(name="w", dims=[1 << 40])))
    wide = model("sparse", [h.make_node("Add", ["x", "w0"], ["y"])], [value("x", T.FLOAT, ["n"])],
                 [value("y", T.FLOAT, ["n"])])
    for index in range(64):
        wide.graph.sparse_initializer.append(h.make_sparse_tensor(
            number(f"w{index}", T.FLOAT, [1], [1]), number("i", T.INT64, [1], [5]), [1 << 27]))
    save("hostile/many_sparse.onnx", wide)
    # Operators that make a large tensor of a few bytes: when the model is loaded (folded constants) and when it runs.
    for name, node, numbers in (
        ("constant_of_shape", h.make_node("ConstantOfShape", ["a"], ["b"]), [[1 << 40]]),
        ("range", h.make_node("Range", ["zero", "end", "one"], ["b"]), None),
        ("expand", h.make_node("Expand", ["one", "a"], ["b"]), [[1 << 20, 1 << 20]]),
        ("tile", h.make_node("Tile", ["a", "a"], ["b"]), [[1 << 40]]),
    ):
        save(f"hostile/{name}_bomb.onnx", bomb(node, numbers))
    save("hostile/gigabytes.onnx", bomb(h.make_node("ConstantOfShape", ["a"], ["b"]), [[1 << 32]]))
    save("hostile/endless_loop.onnx", endless())
    save("hostile/output_twice.onnx", model(
        "twice", [h.make_node("Neg", ["x"], ["y"]), h.make_node("Abs", ["x"], ["y"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])]))
    # Odd, and not hostile: nothing is allocated for it.
    save("zero_by_huge.onnx", with_initializer(T(name="w", data_type=T.FLOAT, dims=[0, (1 << 63) - 1, 2])))
    latin = identity(T.FLOAT).SerializeToString().replace(b"x", b"\xff")
    save("hostile/name_not_utf8.onnx", latin)
    save("hostile/operator_not_utf8.onnx", identity(T.FLOAT).SerializeToString().replace(b"Identity", b"Identit\xff"))
    save("hostile/number_for_text.onnx", identity(T.FLOAT).SerializeToString().replace(b"\x22\x08Identity", b"\x25Identity?"))
    save("hostile/many_features.onnx", model(
        "features", [h.make_node("Identity", ["x"], ["y"])], [value("x", T.FLOAT, ["n", "m"])],
        [value("y", T.FLOAT, ["n", "m"])], feature_names="," * 200_000))


def bomb(node, numbers):
    """x + the sum of a tensor that this node makes."""
    tensors = [number("a", T.INT64, [len(numbers[0])], numbers[0])] if numbers else []
    tensors += [number("zero", T.INT64, [], [0]), number("one", T.INT64, [], [1]), number("end", T.INT64, [], [1 << 40])]
    return model(
        "bomb", [node, h.make_node("ReduceSum", ["b"], ["sum"], keepdims=0), h.make_node("Cast", ["sum"], ["c"], to=T.FLOAT),
                 h.make_node("Add", ["x", "c"], ["y"])],
        [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])], tensors)


def endless():
    """A loop whose condition is always true, also on synthetic inputs."""
    body = h.make_graph(
        [h.make_node("Identity", ["go"], ["on"]), h.make_node("Add", ["state", "state"], ["next"])], "body",
        [value("round", T.INT64, []), value("go", T.BOOL, []), value("state", T.FLOAT, ["n"])],
        [value("on", T.BOOL, []), value("next", T.FLOAT, ["n"])])
    return model("endless", [h.make_node("Loop", ["", "yes", "x"], ["y"], body=body)],
                 [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])], [number("yes", T.BOOL, [], [True])])


def overloaded(made):
    """Small functions with the same names, in front of and behind those that multiply the nodes."""
    made.ir_version = 10
    large = list(made.functions)
    for function in large:
        small = onnx.FunctionProto()
        small.CopyFrom(function)
        del small.node[1:]
        small.node[0].op_type, small.node[0].domain = "Identity", ""
        small.node[0].output[0] = "y"
        made.functions.append(small)
        function.overload = "large"
        for node in function.node:
            node.overload = "large" if node.domain == "mine" else ""
    made.graph.node[0].overload = "large"
    return made


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(key, content, wire=2):
    return varint(key << 3 | wire) + (sized(content) if wire == 2 else varint(content))


def sized(content):
    return varint(len(content)) + content


def long_key(key, wire):
    """A key with a bit that some readers cut off, and others take for another field."""
    return varint((key << 3 | wire) + (1 << 32))


def entry(key, text):
    return field(1, key.encode()) + field(2, text.encode())


def raw_tensor(name="w"):
    return number(name, T.FLOAT, [1], [1]).SerializeToString()


def raw_model(tensor, more=b""):
    """x + w, with these bytes as the tensor w, and more bytes in the graph."""
    made = with_initializer(number("w", T.FLOAT, [1], [1]))
    del made.graph.initializer[:]
    graph = more + made.graph.SerializeToString() + field(5, tensor)
    made.ClearField("graph")
    return made.SerializeToString() + field(7, graph)


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
