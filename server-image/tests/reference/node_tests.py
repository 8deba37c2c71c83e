#!/usr/bin/env python3
"""Every node test of the `onnx` package that onnxruntime loads is served, and answers as onnxruntime does.

`node_tests.py [NAME...]` runs only the tests whose names contain one of these texts, and expects no counts.
"""

import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import onnx
from onnx.backend.test.loader import load_model_tests

import compare_model
import tensors
from reference import CannotCarry, Reference
from report import Report

# With the versions in requirements.txt. A count that changes must be explained: nothing is skipped silently.
EXPECTED = {
    "served": 1408,
    "compared over binary": 1401,
    "compared over binary by datatype and shape: random numbers": 4,
    "compared over JSON": 1386,
    "compared over JSON by datatype and shape: random numbers": 4,
    # Without inputs there is one form only.
    "compared over gRPC as bytes": 1400,
    "compared over gRPC as bytes by datatype and shape: random numbers": 4,
    "compared over gRPC in fields": 1369,
    "compared over gRPC in fields by datatype and shape: random numbers": 4,
    # An empty set of booleans has no maximum. ConvInteger with a zero point for each channel, and Attention with a length for each
    # sequence and a mask: they are served, since other inputs might work.
    "failed in onnxruntime and over binary": 3,
    "failed in onnxruntime and over JSON": 3,
    "failed in onnxruntime and over gRPC as bytes": 3,
    "failed in onnxruntime and over gRPC in fields": 3,
    # Operators and operator sets that ONNX Runtime does not have.
    "not loaded by onnxruntime": 365,
    "not tensors of the protocol: optional(seq(tensor(float)))": 3,
    "not tensors of the protocol: seq(tensor(float))": 18,
    "not tensors of the protocol: seq(tensor(int64))": 2,
    "not tensors of the protocol: tensor(float8e4m3fn)": 12,
    "not tensors of the protocol: tensor(float8e4m3fnuz)": 12,
    "not tensors of the protocol: tensor(float8e5m2)": 12,
    "not tensors of the protocol: tensor(float8e5m2fnuz)": 12,
    "not tensors of the protocol: tensor(int2)": 10,
    "not tensors of the protocol: tensor(int4)": 10,
    "not tensors of the protocol: tensor(uint2)": 10,
    "not tensors of the protocol: tensor(uint4)": 10,
}


def main(only):
    report = Report()
    with warnings.catch_warnings():
        # The package computes its data at import, also what overflows on purpose.
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind="node")
    cases = [case for case in cases if not only or any(text in case.name for text in only)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda case: one_case(report, case), cases):
            pass
    report.end(dict(report.counts) if only else EXPECTED)


def one_case(report, case):
    model = case.model.SerializeToString()
    try:
        reference = Reference(model)
    except Exception:  # onnxruntime has a class for each cause, most of them private.
        report.count("not loaded by onnxruntime")
        return
    try:
        ports = reference.inputs()
        reference.outputs()
    except CannotCarry as cannot:
        report.count(f"not tensors of the protocol: {cannot}")
        return
    calls = []
    for inputs, _ in case.data_sets:
        named = zip(ports, inputs, strict=True)
        calls.append([(name, datatype, tensors.array(plain(value), datatype)) for (name, datatype), value in named])
    compare_model.compare(report, case.name, model, reference, calls)


def plain(value):
    """numpy's form of an input of a test."""
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


if __name__ == "__main__":
    main(sys.argv[1:])
