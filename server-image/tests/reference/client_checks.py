"""What a caller may rely on, for every client. A check has a name, the model that it needs, and tags.

A client that cannot do a check has the reason under one of its tags.
"""

from dataclasses import dataclass, field
from typing import Callable

import numpy

import tensors
from adapters.answer import Failed

VERSION = "1.0.0"
CHECKS = []


@dataclass
class Check:
    """A check, which calls `run` with a client of a server with this model."""

    name: str
    model: str
    run: Callable
    tags: list = field(default_factory=list)


def check(name, model="difference", tags=(), **given):
    """Adds a check."""

    def add(run):
        CHECKS.append(Check(name, f"{model}.onnx", lambda client: run(client, **given), list(tags)))
        return run

    return add


def fp32(*rows):
    return numpy.array(rows, numpy.float32)


def pair(left=((5, 8),), right=((2, 3),)):
    """The inputs of difference.onnx."""
    return [("left", "FP32", fp32(*left)), ("right", "FP32", fp32(*right))]


def equal(answer, expected):
    """Compares the outputs, (name, datatype, array), and their order."""
    found = [(name, datatype) for name, datatype, _ in answer.outputs]
    assert found == [(name, datatype) for name, datatype, _ in expected], found
    for (name, _, array), (_, _, wanted) in zip(answer.outputs, expected, strict=True):
        assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape), f"`{name}` is {array.dtype} of {array.shape}"
        same = array == wanted
        if wanted.dtype.kind != "O":
            same = same | ((array != array) & (wanted != wanted))
        assert numpy.all(same), f"`{name}` is {array!r}"


async def refused(meaning, message, call):
    """Checks that a call fails with the server's message."""
    try:
        await call
    except Failed as failed:
        assert failed.meaning == meaning and message in failed.message, f"refused with {failed}"
        return
    raise AssertionError("it was accepted")


@check("the server is live")
async def live(client):
    assert await client.live() is True


@check("the server is ready")
async def ready(client):
    assert await client.ready() is True


@check("the model is ready")
async def model_ready(client):
    assert await client.model_ready("model") is True


@check("a version of the model is ready", tags=["a version", "readiness of a version"])
async def version_ready(client):
    assert await client.model_ready("model", VERSION) is True


async def not_ready(*arguments, client):
    try:
        assert await client.model_ready(*arguments) is False
    except Failed as failed:
        # Over HTTP the client turns the error into False, over gRPC it raises it.
        assert failed.meaning == "not found" and arguments[-1] in failed.message, failed


@check("an unknown model is not ready")
async def unknown_not_ready(client):
    await not_ready("other", client=client)


@check("an unknown version is not ready", tags=["a version", "readiness of a version"])
async def unknown_version_not_ready(client):
    await not_ready("model", "9.9.9", client=client)


@check("the server says its name and extensions", tags=["describe"])
async def server_metadata(client):
    metadata = await client.server_metadata()
    assert metadata["name"] == "understudy" and "classification" in metadata["extensions"], metadata


@check("the model's inputs and outputs are described", tags=["describe"])
async def model_metadata(client):
    for version in ("", VERSION):
        metadata = await client.model_metadata("model", version)
        assert (metadata["name"], metadata["versions"]) == ("model", [VERSION]), metadata
        # 64-bit integers are strings in protobuf's JSON.
        found = {
            port["name"]: (port["datatype"], [int(extent) for extent in port["shape"]])
            for port in metadata["inputs"] + metadata["outputs"]
        }
        assert found == dict.fromkeys(["left", "right", "difference", "product"], ("FP32", [-1, 2])), metadata


@check("an unknown model has no description", tags=["describe"])
async def unknown_metadata(client):
    await refused("not found", "unknown model `other`", client.model_metadata("other"))


def elements(datatype):
    """Elements of a datatype: the limits, and for strings what needs an encoding."""
    if datatype == "BOOL":
        return [True, False, True]
    if datatype == "BYTES":
        return ["", "né \"\n", "日本"]
    if datatype in tensors.FLOATS:
        return [-2.5, 0.1, 0.0]
    limits = numpy.iinfo(tensors.NUMPY[datatype])
    return [limits.min, limits.max, 1]


def carried(datatype, values):
    array = tensors.array(values, datatype)
    return numpy.array([item.encode() for item in array], object) if datatype == "BYTES" else array


async def carries(client, datatype, values, binary):
    array = carried(datatype, values)
    answer = await client.infer([("x", datatype, array)], outputs=["y"], binary=binary)
    equal(answer, [("y", datatype, array)])
    assert answer.binary == binary, f"the answer has {'bytes' if answer.binary else 'elements'}"


for datatype in tensors.NUMPY:
    given = {"model": f"identity/{datatype}", "datatype": datatype, "values": elements(datatype)}
    check(f"{datatype} is carried as bytes", tags=[datatype], binary=True, **given)(carries)
    if datatype not in ("FP16", "BF16"):
        check(f"{datatype} is carried as elements", tags=[datatype, "as elements"], binary=False, **given)(carries)

for datatype in ("FP32", "BYTES"):
    given = {"model": f"identity/{datatype}", "datatype": datatype, "values": []}
    check(f"{datatype} without elements is carried as bytes", tags=["empty as bytes"], binary=True, **given)(carries)
    check(f"{datatype} without elements is carried as elements", tags=["as elements"], binary=False, **given)(carries)

check("NaN and infinity are carried as bytes", "identity/FP32", datatype="FP32", values=[numpy.nan, numpy.inf, -numpy.inf],
      binary=True)(carries)


@check("a tensor of 8 MB is carried", "matrix")
async def large(client):
    array = numpy.arange(2_000_001, dtype=numpy.float32).reshape(-1, 3)
    equal(await client.infer([("x", "FP32", array)]), [("y", "FP32", array)])


@check("a matrix keeps its rows and columns", "matrix")
async def matrix(client):
    array = fp32((1, 2, 3), (4, 5, 6))
    equal(await client.infer([("x", "FP32", array)]), [("y", "FP32", array)])


@check("all outputs come in the model's order, and inputs in any order")
async def order(client):
    answer = await client.infer(pair()[::-1])
    equal(answer, [("difference", "FP32", fp32((3, 5))), ("product", "FP32", fp32((10, 24)))])


@check("requested outputs come alone, and in their order")
async def requested(client):
    product, difference = ("product", "FP32", fp32((10, 24))), ("difference", "FP32", fp32((3, 5)))
    equal(await client.infer(pair(), outputs=["product"]), [product])
    equal(await client.infer(pair(), outputs=["product", "difference"]), [product, difference])


@check("numbers and strings are in one request", "columns")
async def mixed(client):
    age, country = numpy.array([[42], [7]]), numpy.array([["NL".encode()], ["é".encode()]], object)
    answer = await client.infer([("age", "INT64", age), ("country", "BYTES", country)])
    equal(answer, [("years", "INT64", age), ("home", "BYTES", country)])


@check("the id of a request comes back")
async def request_id(client):
    assert (await client.infer(pair(), request_id='order "7"')).id == 'order "7"'


@check("the response names model and version", tags=["response names"])
async def identity(client):
    answer = await client.infer(pair())
    assert (answer.model, answer.version) == ("model", VERSION), answer


@check("a version is called", tags=["a version"])
async def version(client):
    equal(await client.infer(pair(), version=VERSION, outputs=["product"]), [("product", "FP32", fp32((10, 24)))])


@check("a parameter that the server does not know changes nothing")
async def parameter(client):
    answer = await client.infer(pair(), outputs=["product"], parameters={"team": "risk", "try": 2})
    equal(answer, [("product", "FP32", fp32((10, 24)))])


@check("an unknown model is refused")
async def unknown_model(client):
    await refused("not found", "unknown model `other`", client.infer(pair(), model="other"))


@check("an unknown version is refused", tags=["a version"])
async def unknown_version(client):
    await refused("not found", "`9.9.9`", client.infer(pair(), version="9.9.9"))


@check("an unknown input is refused")
async def unknown_input(client):
    await refused("invalid", "unknown input `middle`", client.infer([*pair(), ("middle", "FP32", fp32((1, 2)))]))


@check("a missing input is refused")
async def missing_input(client):
    await refused("invalid", "input `right` is missing", client.infer(pair()[:1]))


@check("an unknown output is refused")
async def unknown_output(client):
    await refused("invalid", "unknown output `sum`", client.infer(pair(), outputs=["sum"]))


@check("a wrong shape is refused")
async def wrong_shape(client):
    await refused("invalid", "the shape [1,3]", client.infer(pair(left=((1, 2, 3),))))


@check("a wrong datatype is refused")
async def wrong_datatype(client):
    inputs = [("left", "FP64", numpy.array([[1.0, 2.0]])), *pair()[1:]]
    await refused("invalid", "the datatype FP64", client.infer(inputs))


@check("a refused call does not harm the next one")
async def afterwards(client):
    for _ in range(3):
        await refused("invalid", "input `right` is missing", client.infer(pair()[:1]))
        equal(await client.infer(pair(), outputs=["product"]), [("product", "FP32", fp32((10, 24)))])


def rounds(count):
    return [("rounds", "INT64", numpy.array([count]))]


@check("a run is stopped when the timeout of its request is over", "slow")
async def timeout(client):
    await refused("too late", "was stopped after", client.infer(rounds(10**9), timeout=50_000))


@check("a request that is within its timeout is answered", "slow")
async def within_timeout(client):
    assert (await client.infer(rounds(1), timeout=60_000_000)).outputs


async def compressed(client, coding):
    array = numpy.zeros((1000, 3), numpy.float32)
    equal(await client.infer([("x", "FP32", array)], compression=coding), [("y", "FP32", array)])


for coding in ("gzip", "deflate"):
    check(f"a call is compressed with {coding}", "matrix", tags=["compression"], coding=coding)(compressed)


async def classified(client, classes, expected):
    answer = await client.infer([("x", "FP32", fp32((0.25,)))], outputs=["scores"], classes=classes)
    equal(answer, [("scores", "BYTES", numpy.array([expected], object))])


check("the best class is returned with its name", "zipmap_strings", classes=1, expected=[b"0.750000:1:good"])(classified)
check("the best classes are returned in their order", "zipmap_int64s", classes=2, expected=[b"0.750000:1:10", b"0.250000:0:2"])(
    classified)


@check("classes of strings are refused", "identity/BYTES")
async def classes_of_strings(client):
    inputs = [("x", "BYTES", numpy.array([b"a"], object))]
    await refused("invalid", "classification needs numbers", client.infer(inputs, outputs=["y"], classes=1))


@check("the configuration has inputs and outputs", "columns", tags=["Triton"])
async def config(client):
    found = await client.config("model")
    ports = {
        port["name"]: (port["data_type"], [int(extent) for extent in port["dims"]])
        for port in found["input"] + found["output"]
    }
    number, text = ("TYPE_INT64", [-1, 1]), ("TYPE_STRING", [-1, 1])
    assert ports == {"age": number, "country": text, "years": number, "home": text}, found
    assert (found["name"], found["platform"], found["backend"]) == ("model", "onnxruntime_onnx", "onnxruntime"), found


@check("the configuration of an unknown model is refused", tags=["Triton"])
async def unknown_config(client):
    await refused("not found", "unknown model `other`", client.config("other"))


@check("the index of the repository has the model", tags=["Triton"])
async def index(client):
    (found,) = await client.index()
    assert (found["name"], found["version"], found["state"]) == ("model", VERSION, "READY"), found


@check("the statistics count calls and rows", tags=["Triton"])
async def statistics(client):
    before = await client.statistics("model")
    await client.infer(pair(left=((1, 2), (3, 4)), right=((1, 2), (3, 4))))
    after = await client.statistics("model")
    assert (after["name"], after["version"]) == ("model", VERSION), after

    def more(read):
        # A message has no field that is 0.
        return int(read(after)) - int(read(before))

    assert more(lambda found: found.get("execution_count", 0)) == 1, (before, after)
    assert more(lambda found: found.get("inference_count", 0)) == 2, (before, after)
    for part in ("success", "queue", "compute_input", "compute_infer", "compute_output"):
        assert more(lambda found: found["inference_stats"][part].get("count", 0)) == 1, (part, before, after)
        assert more(lambda found: found["inference_stats"][part].get("ns", 0)) >= 0, (part, before, after)


@check("the statistics of an unknown model are refused", tags=["Triton"])
async def unknown_statistics(client):
    await refused("not found", "unknown model `other`", client.statistics("other"))


@check("no model is loaded or unloaded", tags=["Triton"])
async def read_only(client):
    for call in (client.load, client.unload):
        await refused("unsupported", "publish another one as a ModelVersion", call("model"))
