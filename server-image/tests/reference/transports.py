"""The ways of a call to the server and back. A further transport is a class like these, and an entry in `ALL`."""

import json

import numpy
from tritonclient.grpc import service_pb2 as messages

import tensors


class Binary:
    """Every tensor as bytes after the JSON, as Triton's clients send them."""

    name = "binary"

    @staticmethod
    def is_binary(datatype, values=None):
        """Whether a tensor is carried as bytes."""
        return True

    @classmethod
    def carries(cls, inputs, outputs):
        """Whether a call differs from one over another transport. `outputs` are datatypes."""
        return True

    @classmethod
    def call(cls, server, inputs, outputs):
        """The outputs of an inference by name. `inputs` are (name, datatype, array), `outputs` are (name, datatype)."""
        blobs, listed = [], []
        for name, datatype, values in inputs:
            tensor = {"name": name, "datatype": datatype, "shape": list(values.shape)}
            if cls.is_binary(datatype, values):
                blobs.append(tensors.to_blob(values, datatype))
                tensor["parameters"] = {"binary_data_size": len(blobs[-1])}
            else:
                tensor["data"] = values.ravel().tolist()
            listed.append(tensor)
        requested = [{"name": name, "parameters": {"binary_data": cls.is_binary(datatype)}} for name, datatype in outputs]
        header = json.dumps({"inputs": listed, "outputs": requested}, allow_nan=False).encode()
        headers = {"Inference-Header-Content-Length": str(len(header))} if blobs else {}
        return cls._read(*server.infer(header + b"".join(blobs), headers))

    @staticmethod
    def _read(headers, body):
        length = int(headers.get("Inference-Header-Content-Length", len(body)))
        blobs, answers = body[length:], {}
        for output in json.loads(body[:length])["outputs"]:
            datatype, shape = output["datatype"], output["shape"]
            if "data" in output:
                # `null` stands for NaN and infinity.
                data = [numpy.nan if item is None else item for item in output["data"]]
                answers[output["name"]] = tensors.array(data, datatype, shape)
                continue
            size = output["parameters"]["binary_data_size"]
            answers[output["name"]] = tensors.from_blob(blobs[:size], datatype, shape)
            blobs = blobs[size:]
        assert not blobs, f"{len(blobs)} bytes after the last tensor"
        return answers


class Json(Binary):
    """Every tensor that has a JSON form in JSON. The others are bytes, so that a model with both kinds is called as well."""

    name = "JSON"

    @staticmethod
    def is_binary(datatype, values=None):
        return datatype in ("FP16", "BF16") or (values is not None and not tensors.is_finite(values, datatype))

    @classmethod
    def carries(cls, inputs, outputs):
        as_json = [not cls.is_binary(datatype, values) for _, datatype, values in inputs]
        return any(as_json) or any(not cls.is_binary(datatype) for datatype in outputs)


# FP16 and BF16 have none.
FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


class GrpcContents:
    """gRPC with the elements of each tensor in the field of its datatype, as clients in other languages write them."""

    name = "gRPC in fields"
    raw = False

    @staticmethod
    def is_binary(datatype, values=None):
        # NaN and infinity are elements like any other.
        return True

    @classmethod
    def carries(cls, inputs, outputs):
        return FIELDS.keys() >= {datatype for _, datatype, _ in inputs} | set(outputs)

    @classmethod
    def call(cls, server, inputs, outputs):
        request = messages.ModelInferRequest(model_name="model")
        for name, datatype, values in inputs:
            tensor = request.inputs.add(name=name, datatype=datatype, shape=values.shape)
            cls._write(request, tensor, values)
        for name, _ in outputs:
            request.outputs.add(name=name)
        response = server.infer_over_grpc(request, messages.ModelInferResponse)
        # A request without inputs has no form, and is answered in fields if it can be.
        raw = cls.raw if inputs else not GrpcContents.carries(inputs, [datatype for _, datatype in outputs])
        blobs = response.raw_output_contents
        assert len(blobs) == (len(response.outputs) if raw else 0), f"{len(blobs)} outputs are bytes"
        read = {}
        for position, output in enumerate(response.outputs):
            assert not (raw and output.HasField("contents")), f"`{output.name}` has elements in two forms"
            if raw:
                read[output.name] = tensors.from_blob(blobs[position], output.datatype, output.shape)
            else:
                elements = list(getattr(output.contents, FIELDS[output.datatype]))
                read[output.name] = tensors.array(elements, output.datatype, output.shape)
        return read

    @staticmethod
    def _write(request, tensor, values):
        elements = values.ravel().tolist()
        if tensor.datatype == "BYTES":
            elements = [text.encode() for text in elements]
        getattr(tensor.contents, FIELDS[tensor.datatype]).extend(elements)


class GrpcBytes(GrpcContents):
    """gRPC with each tensor as bytes in `raw_input_contents`, as Triton's clients send them."""

    name = "gRPC as bytes"
    raw = True

    @classmethod
    def carries(cls, inputs, outputs):
        return bool(inputs) or not GrpcContents.carries(inputs, outputs)

    @staticmethod
    def _write(request, tensor, values):
        request.raw_input_contents.append(tensors.to_blob(values, tensor.datatype))


ALL = [Binary, Json, GrpcBytes, GrpcContents]
