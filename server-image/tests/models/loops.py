"""Models that run as long as a value says, or forever."""

import numpy
from onnx import TensorProto as T
from onnx import helper as h

from graphs import model, number, value


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


def endless():
    """A loop whose condition is always true, also on synthetic inputs."""
    body = h.make_graph(
        [h.make_node("Identity", ["go"], ["on"]), h.make_node("Add", ["state", "state"], ["next"])], "body",
        [value("round", T.INT64, []), value("go", T.BOOL, []), value("state", T.FLOAT, ["n"])],
        [value("on", T.BOOL, []), value("next", T.FLOAT, ["n"])])
    return model("endless", [h.make_node("Loop", ["", "yes", "x"], ["y"], body=body)],
                 [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])], [number("yes", T.BOOL, [], [True])])


def stuck():
    """A loop that ends at once, unless all of x is zero: then it never ends."""
    body = h.make_graph(
        [h.make_node("Identity", ["go"], ["on"]), h.make_node("Identity", ["state"], ["next"])], "body",
        [value("round", T.INT64, []), value("go", T.BOOL, []), value("state", T.FLOAT, ["n"])],
        [value("on", T.BOOL, []), value("next", T.FLOAT, ["n"])])
    return model("stuck", [h.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
                           h.make_node("Cast", ["most"], ["any"], to=T.BOOL), h.make_node("Not", ["any"], ["none"]),
                           h.make_node("Loop", ["", "none", "x"], ["y"], body=body)],
                 [value("x", T.FLOAT, ["n"])], [value("y", T.FLOAT, ["n"])])
