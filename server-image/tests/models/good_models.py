"""Models that are served. They are small, and their shapes and datatypes reveal swapped inputs, rows, columns or datatypes."""

import json

import onnx
from onnx import TensorProto as T
from onnx import helper as h

from graphs import OPSET, identity, model, number, save, value
from loops import slow, stuck


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
    # The first run of its warm-up never ends, the second one works.
    save("stuck_on_zeros.onnx", stuck())
    # Rows that can be joined into one run, and rows that depend on each other.
    save("heavy.onnx", heavy())
    save("light.onnx", heavy(size=256))
    mean = h.make_node("ReduceMean", ["wide"], ["shift"], axes=[0])
    save("heavy_mean.onnx", heavy(mean))
    save("light_mean.onnx", heavy(mean, size=256))
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


def heavy(shift=None, size=2048):
    """y = x, by a product with `size` squared weights, 16 MB: many rows take little longer than one. With `shift`, y = wide -
    shift."""
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
