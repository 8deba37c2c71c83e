"""Tensors of the protocol as numpy arrays."""

import struct

import ml_dtypes
import numpy

# The datatype of the protocol, by the name that ONNX Runtime gives a type. Other types have none.
DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(bfloat16)": "BF16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}

NUMPY = {
    "BOOL": numpy.bool_,
    "UINT8": numpy.uint8,
    "UINT16": numpy.uint16,
    "UINT32": numpy.uint32,
    "UINT64": numpy.uint64,
    "INT8": numpy.int8,
    "INT16": numpy.int16,
    "INT32": numpy.int32,
    "INT64": numpy.int64,
    "FP16": numpy.float16,
    "BF16": ml_dtypes.bfloat16,
    "FP32": numpy.float32,
    "FP64": numpy.float64,
    "BYTES": object,
}

FLOATS = {"FP16", "BF16", "FP32", "FP64"}


def array(values, datatype, shape=None):
    """An array of this datatype. Strings are `str`."""
    made = numpy.asarray(values, dtype=NUMPY[datatype])
    if datatype == "BYTES":
        text = [item.decode() if isinstance(item, bytes) else str(item) for item in made.ravel()]
        made = numpy.array(text + [None], dtype=object)[:-1].reshape(made.shape)
    return made if shape is None else made.reshape(shape)


def to_blob(values, datatype):
    """The elements in the binary form of the protocol: little-endian, and strings with their length."""
    if datatype != "BYTES":
        return numpy.ascontiguousarray(values).tobytes()
    encoded = [item.encode() for item in values.ravel()]
    return b"".join(struct.pack("<I", len(item)) + item for item in encoded)


def from_blob(blob, datatype, shape):
    """The array with these elements."""
    if datatype != "BYTES":
        return numpy.frombuffer(blob, dtype=NUMPY[datatype]).reshape(shape)
    items, at = [], 0
    while at < len(blob):
        (length,) = struct.unpack_from("<I", blob, at)
        items.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    assert at == len(blob), f"a string ends after the blob, which has {len(blob)} bytes"
    return array(items, datatype, shape)


def is_finite(values, datatype):
    """Whether no element is NaN or infinity."""
    return datatype not in FLOATS or bool(numpy.isfinite(values.astype(numpy.float64)).all())
