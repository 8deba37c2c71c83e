"""tritonclient over gRPC."""

import tritonclient.grpc as grpc

from adapters.answer import Answer, plain
from adapters.triton import Triton


class TritonGrpc(Triton):
    """tritonclient.grpc, or tritonclient.grpc.aio."""

    cannot = {"as elements": "InferInput.set_data_from_numpy writes raw_input_contents only"}

    async def document(self, method, *arguments):
        return await self.call(method, *arguments, as_json=True)

    async def index(self):
        return (await super().index())["models"]

    async def config(self, model):
        return (await super().config(model))["config"]

    async def infer(self, inputs, *, model="model", version="", outputs=None, classes=0, binary=True, compression=None, **given):
        """An inference. `inputs` are (name, datatype, array), `outputs` are names."""
        assert binary
        sent = []
        for name, datatype, array in inputs:
            sent.append(grpc.InferInput(name, list(array.shape), datatype))
            sent[-1].set_data_from_numpy(array)
        if outputs is not None:
            outputs = [grpc.InferRequestedOutput(name, class_count=classes) for name in outputs]
        result = await self.call("infer", model, sent, version, outputs=outputs, compression_algorithm=compression, **given)
        response = result.get_response()
        read = [(one.name, one.datatype, plain(result.as_numpy(one.name))) for one in response.outputs]
        return Answer(
            response.model_name, response.model_version, response.id, read, bool(response.raw_output_contents))
