"""ONNX Runtime in MLServer, which has no runtime for ONNX: a custom one, as its documentation shows."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri


class Onnx(MLModel):
    """A session on one thread."""

    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = await get_model_uri(self._settings)
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.names = [port.name for port in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        # A scalar has no dimension, and the codec gives it one.
        inputs = {
            tensor.name: NumpyCodec.decode_input(tensor).reshape(tensor.shape) for tensor in payload.inputs
        }
        values = self.session.run(None, inputs)
        outputs = [NumpyCodec.encode_output(name, value) for name, value in zip(self.names, values)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
