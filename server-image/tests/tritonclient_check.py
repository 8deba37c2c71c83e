#!/usr/bin/env python3
"""A real client against a running server: `pip install 'tritonclient[http]'`, then `tritonclient_check.py HOST:PORT [MODEL [VERSION]]`.

Checks that the server serves MODEL, calls it as tritonclient does by default (binary) and in JSON, over plain and
versioned paths, with and without compression, and checks that errors are reported as errors. `--strings` requires a
model with a string input, for example tests/models/columns.onnx or tests/models/identity/BYTES.onnx. Prints a line for
each check, and exits with 1 at the first one that fails.
"""

import argparse
import json
import urllib.request

import numpy
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


def passed(what):
    print(f"ok  {what}")


def sample(tensor, rows=2):
    """An array for an input: every variable dimension is `rows`, every element differs from its neighbours."""
    shape = [rows if extent == -1 else extent for extent in tensor["shape"]]
    count = int(numpy.prod(shape))
    if tensor["datatype"] == "BYTES":
        return numpy.array([f"né {index}\n".encode() for index in range(count)], dtype=object).reshape(shape)
    dtype = triton_to_np_dtype(tensor["datatype"])
    return (numpy.arange(count) % 2 if dtype is bool else numpy.arange(count) % 100).astype(dtype).reshape(shape)


def inputs(metadata, binary):
    made = []
    for tensor in metadata["inputs"]:
        data = sample(tensor)
        one = triton.InferInput(tensor["name"], list(data.shape), tensor["datatype"])
        one.set_data_from_numpy(data, binary_data=binary)
        made.append(one)
    return made


def same(left, right, metadata):
    for tensor in metadata["outputs"]:
        ours, theirs = left.as_numpy(tensor["name"]), right.as_numpy(tensor["name"])
        assert ours is not None and theirs is not None, f"{tensor['name']} is missing"
        if tensor["datatype"] == "BYTES":
            # JSON carries text, binary carries bytes.
            text = [[item if isinstance(item, str) else item.decode() for item in side.flatten()] for side in (ours, theirs)]
            assert text[0] == text[1], f"{tensor['name']}: {text}"
        else:
            numpy.testing.assert_array_equal(ours, theirs, tensor["name"])


def refused(what, status, call):
    try:
        call()
    except InferenceServerException as error:
        assert str(status) in str(error.status() or ""), f"{what}: {error.status()} {error}"
        assert error.message(), what
        return passed(f"{what}: {error.status()}, {error.message()}")
    raise AssertionError(f"{what} was accepted")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="HOST:PORT")
    parser.add_argument("model", nargs="?", help="the name it must have")
    parser.add_argument("version", nargs="?", help="the version it must have")
    parser.add_argument("--strings", action="store_true", help="fail unless the model takes strings")
    arguments = parser.parse_args()
    server = arguments.server.removeprefix("http://").rstrip("/")
    client = triton.InferenceServerClient(server)

    with urllib.request.urlopen(f"http://{server}/v2/models") as answer:
        model = json.load(answer)["models"][0]
    assert arguments.model in (None, model), f"the server has {model}"
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    passed("live, ready, model ready")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(model)
    version = metadata["versions"][0]
    assert arguments.version in (None, version), f"the server has {version}"
    assert metadata == client.get_model_metadata(model, version), "the versioned path differs"
    assert client.is_model_ready(model, version) and not client.is_model_ready(model, "0.0.0-none")
    passed(f"metadata of {model} {version}")

    strings = any(tensor["datatype"] == "BYTES" for tensor in metadata["inputs"])
    assert strings or not arguments.strings, "the model takes no strings"
    default = client.infer(model, inputs(metadata, binary=True), request_id="a \"b\"")
    assert default.get_response()["id"] == "a \"b\"", default.get_response()
    assert default.get_response()["model_name"] == model and default.get_response()["model_version"] == version
    passed("infer, binary in and out" + (", with BYTES" if strings else ""))

    halves = {"FP16", "BF16"} & {tensor["datatype"] for tensor in metadata["inputs"] + metadata["outputs"]}
    if halves:
        passed(f"{' and '.join(sorted(halves))}: binary only, as the protocol has it")
    else:
        wanted = [triton.InferRequestedOutput(tensor["name"], binary_data=False) for tensor in metadata["outputs"]]
        same(default, client.infer(model, inputs(metadata, binary=False), outputs=wanted), metadata)
        passed("infer, JSON in and out, the same values" + (", with BYTES" if strings else ""))
    mixed = [triton.InferRequestedOutput(tensor["name"], binary_data=bool(halves) or index % 2 == 0)
             for index, tensor in enumerate(metadata["outputs"])]
    same(default, client.infer(model, inputs(metadata, binary=True), version, outputs=mixed), metadata)
    passed("infer, mixed, over the versioned path")
    for coding in ("gzip", "deflate"):
        same(default, client.infer(model, inputs(metadata, binary=True), request_compression_algorithm=coding,
                                   response_compression_algorithm=coding), metadata)
    passed("infer, compressed with gzip and deflate")
    last = metadata["outputs"][-1]["name"]
    only = client.infer(model, inputs(metadata, binary=True), outputs=[triton.InferRequestedOutput(last)])
    assert [output["name"] for output in only.get_response()["outputs"]] == [last]
    passed("infer, one output")

    config = client.get_model_config(model, version)
    assert [tensor["name"] for tensor in config["input"]] == [tensor["name"] for tensor in metadata["inputs"]]
    assert client.get_model_repository_index() == [{"name": model, "version": version, "state": "READY", "reason": ""}]
    passed("configuration and repository index")

    stats = client.get_inference_statistics(model)["model_stats"][0]
    assert stats["name"] == model and stats["inference_stats"]["success"]["count"] >= 1
    passed("statistics")

    first = metadata["inputs"][0]
    wrong = triton.InferInput(first["name"], [1, 1, 1, 1, 1], first["datatype"])
    wrong.set_data_from_numpy(sample({**first, "shape": [1, 1, 1, 1, 1]}))
    refused("a wrong shape", 400, lambda: client.infer(model, [wrong]))
    stranger = triton.InferInput("no-such-input", [1], "FP32")
    stranger.set_data_from_numpy(numpy.zeros(1, numpy.float32))
    refused("an unknown input", 400, lambda: client.infer(model, [stranger]))
    refused("an unknown output", 400, lambda: client.infer(
        model, inputs(metadata, binary=True), outputs=[triton.InferRequestedOutput("no-such-output")]))
    refused("an unknown model", 404, lambda: client.infer("no-such-model", inputs(metadata, binary=True)))
    refused("an unknown version", 404, lambda: client.infer(model, inputs(metadata, binary=True), "0.0.0-none"))
    client.close()


main()
