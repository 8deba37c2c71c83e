"""onnxruntime in Python: the answers that the server must give."""

import numpy
import onnxruntime

import tensors

# It logs each model that it cannot load. Those are counted instead.
onnxruntime.set_default_logger_severity(4)
BFLOAT16 = 16  # TensorProto.BFLOAT16
# The server returns them as a tensor of rows and classes.
SCORES = {"seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))"}


class CannotCarry(Exception):
    """The model has an input or output that is not a tensor of the protocol."""


class Fails(Exception):
    """The model fails on these inputs."""


class Reference:
    """A session of onnxruntime with the options of the server's sessions."""

    def __init__(self, model):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = options.enable_cpu_mem_arena = False
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def inputs(self):
        """(name, datatype) of each input."""
        return [(port.name, datatype_of(port)) for port in self.session.get_inputs()]

    def outputs(self):
        """(name, datatype) of each output."""
        return [(port.name, datatype_of(port)) for port in self.session.get_outputs()]

    def run(self, inputs):
        """The outputs by name. `inputs` are (name, datatype, array)."""
        outputs = self.outputs()
        if "BF16" in [datatype for _, datatype, _ in inputs] + [datatype for _, datatype in outputs]:
            values = self._run_with_bfloat16(inputs, outputs)
        else:
            try:
                values = self.session.run(None, {name: array for name, _, array in inputs})
            except Exception as error:  # onnxruntime has a class for each cause, most of them private.
                raise Fails(error) from error
        named = zip(outputs, values, strict=True)
        return {name: tensors.array(rows_of(value), datatype) for (name, datatype), value in named}

    def classes(self, inputs):
        """The classes of the outputs that are sequences of maps from class to score."""
        values = self.session.run(None, {name: array for name, _, array in inputs})
        named = zip(self.session.get_outputs(), values, strict=True)
        return {port.name: [str(key) for key in value[0]] for port, value in named if port.type in SCORES}

    def _run_with_bfloat16(self, inputs, outputs):
        """numpy itself has no bfloat16, so `run` does not take it. The elements go in and come out as their bits."""
        feed = {name: self._value(datatype, array) for name, datatype, array in inputs}
        shapes = [value.shape() for value in self.session.run_with_ort_values(None, feed)]
        made = [numpy.zeros(shape, tensors.NUMPY[datatype]) for (_, datatype), shape in zip(outputs, shapes, strict=True)]
        binding = self.session.io_binding()
        for name, value in feed.items():
            binding.bind_ortvalue_input(name, value)
        for (name, datatype), array in zip(outputs, made, strict=True):
            binding.bind_ortvalue_output(name, self._value(datatype, array))
        self.session.run_with_iobinding(binding)
        return made

    @staticmethod
    def _value(datatype, array):
        if datatype == "BF16":
            return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(array.view(numpy.uint16), BFLOAT16)
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)


def rows_of(value):
    """An output as rows: the scores of a classifier, which are a list of dictionaries, without their classes."""
    return [list(row.values()) for row in value] if isinstance(value, list) else value


def datatype_of(port):
    """The protocol's datatype of an input or output."""
    if port.type in SCORES:
        return "FP32"
    if port.type not in tensors.DATATYPES:
        raise CannotCarry(port.type)
    return tensors.DATATYPES[port.type]

