"""Requests and responses of kserve, which are the same over REST and gRPC."""

from kserve import InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput

from adapters.answer import plain

CANNOT = {"BF16": "set_data_from_numpy knows no bfloat16"}


def request(inputs, model, binary, *, version=None, outputs=None, classes=0, request_id=None, timeout=None, parameters=None):
    """A request. `inputs` are (name, datatype, array), `outputs` are names."""
    sent = []
    for name, datatype, array in inputs:
        sent.append(InferInput(name, list(array.shape), datatype))
        sent[-1].set_data_from_numpy(array, binary_data=binary)
    if timeout is not None:
        parameters = {**(parameters or {}), "timeout": timeout}
    if outputs is not None:
        outputs = [RequestedOutput(name, {"classification": classes} if classes else None) for name in outputs]
    return InferRequest(model, sent, request_id, parameters=parameters, request_outputs=outputs, model_version=version)


def outputs(response):
    """(name, datatype, array) of each output."""
    return [(output.name, output.datatype, plain(output.as_numpy())) for output in response.outputs]
