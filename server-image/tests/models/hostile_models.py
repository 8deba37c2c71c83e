"""Models that are wrong in one way each. tests/server/hostile.rs has the expected error of each."""

import onnx
from onnx import TensorProto as T
from onnx import helper as h

from graphs import OPSET, identity, model, number, save, value
from loops import endless


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
