"""Serves a model and compares its answers with those of onnxruntime, over every transport."""

import comparison
import transports
from reference import Fails
from server import Refused, Server

# Runs of the reference. With two, a Dropout that has a seed was seen to draw the same numbers twice.
RUNS = 3


def compare(report, name, model, reference, calls):
    """Calls the server with each of `calls`, lists of (name, datatype, array), over each transport."""
    outputs = reference.outputs()
    try:
        with Server(model) as server:
            report.count("served")
            described(report, name, server, reference, calls)
            for inputs in calls:
                for transport in transports.ALL:
                    if transport.carries(inputs, [datatype for _, datatype in outputs]):
                        one_call(report, name, server, transport, reference, inputs)
    except Refused as refused:
        if all(fails(reference, inputs) for inputs in calls):
            report.count("failed in onnxruntime on the inputs of the test, and not served")
        else:
            report.failed(name, refused)
    except Exception as error:  # Also what onnxruntime raises. One model must not end the run.
        report.failed(name, f"{type(error).__name__}: {error}")


def described(report, name, server, reference, calls):
    """Compares what the metadata says of inputs and outputs."""
    metadata = server.metadata()
    for what, ports in (("inputs", reference.inputs()), ("outputs", reference.outputs())):
        found = [(port["name"], port["datatype"]) for port in metadata[what]]
        if found != ports:
            report.failed(name, f"the metadata has the {what} {found}, not {ports}")
    found = {port["name"]: port["classes"] for port in metadata["outputs"] if "classes" in port}
    if found and found != (classes := reference.classes(calls[0])):
        report.failed(name, f"the metadata has the classes {found}, not {classes}")


def fails(reference, inputs):
    """Whether the model fails in onnxruntime."""
    try:
        reference.run(inputs)
    except Fails:
        return True
    return False


def one_call(report, name, server, transport, reference, inputs):
    """One call over one transport."""
    outputs = reference.outputs()
    try:
        expected, *others = (reference.run(inputs) for _ in range(RUNS))
    except Fails:
        expected = None
    try:
        answers = transport.call(server, inputs, outputs)
    except Refused as refused:
        if expected is None:
            report.count(f"failed in onnxruntime and over {transport.name}")
        else:
            report.failed(name, f"over {transport.name}: {refused}")
        return
    if expected is None:
        report.failed(name, f"over {transport.name}: an answer, but onnxruntime fails")
        return
    # A model that draws random numbers answers differently each time. Then datatypes and shapes count.
    random = any(differs(expected, other, output, False) for other in others for output in outputs)
    report.count(f"compared over {transport.name}" + (" by datatype and shape: random numbers" if random else ""))
    for output, datatype in outputs:
        if output not in answers:
            report.failed(name, f"over {transport.name}: output `{output}` is missing")
        elif answers[output].dtype != expected[output].dtype:
            report.failed(name, f"over {transport.name}: output `{output}` is {answers[output].dtype}")
        elif random:
            if answers[output].shape != expected[output].shape:
                report.failed(name, f"over {transport.name}: output `{output}` has the shape {answers[output].shape}")
        elif what := differs(expected, answers, (output, datatype), not transport.is_binary(datatype)):
            report.failed(name, f"over {transport.name}: output `{output}`: {what}")


def differs(expected, answers, output, has_json_form):
    """What differs in one output; None if nothing does."""
    name, datatype = output
    return comparison.difference(expected[name], answers[name], datatype, has_json_form)
