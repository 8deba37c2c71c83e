"""ONNX Runtime behind FastAPI, as a team writes it in an afternoon: the protocol's JSON, numpy, one session.

`MODEL=model.onnx python3 -m uvicorn fastapi_app:app`. The session runs in the event loop, on one thread: for small models a hop
to another thread costs more than the inference, and for large ones a second worker process uses the second processor.
"""

import os

import numpy
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

DATATYPES = {"FP32": numpy.float32, "INT32": numpy.int32, "INT64": numpy.int64}
NAMES = {numpy.dtype(numpy_type): name for name, numpy_type in DATATYPES.items()}


class Tensor(BaseModel):
    """An input or an output."""

    name: str
    shape: list[int]
    datatype: str
    data: list


class InferRequest(BaseModel):
    """A request of the Open Inference Protocol."""

    id: str | None = None
    inputs: list[Tensor]


class InferResponse(BaseModel):
    """Its answer."""

    model_name: str = "bench"
    model_version: str = "1.0.0"
    id: str | None
    outputs: list[Tensor]


def open_session():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


session = open_session()
names = [port.name for port in session.get_outputs()]
app = FastAPI()


@app.post("/v2/models/bench/infer")
async def infer(request: InferRequest) -> InferResponse:
    inputs = {
        tensor.name: numpy.array(tensor.data, DATATYPES[tensor.datatype]).reshape(tensor.shape)
        for tensor in request.inputs
    }
    outputs = [
        Tensor(name=name, datatype=NAMES[value.dtype], shape=value.shape, data=value.ravel().tolist())
        for name, value in zip(names, session.run(None, inputs))
    ]
    return InferResponse(id=request.id, outputs=outputs)
