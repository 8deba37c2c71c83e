"""kserve's client over gRPC."""

import grpc
from kserve import InferenceGRPCClient
from kserve.logging import trace_logger

from adapters import kserve_request
from adapters.answer import Answer, Failed

# It logs each error that it raises.
trace_logger.disabled = True
NO_METHOD = "the client has no such method"


class KserveGrpc:
    """InferenceGRPCClient."""

    name = "kserve.InferenceGRPCClient"
    cannot = {
        "readiness of a version": "is_model_ready has no version",
        "describe": NO_METHOD,
        "compression": "the client has no argument for it",
        "Triton": NO_METHOD,
        **kserve_request.CANNOT,
    }

    async def open(self, address):
        """Makes a client for this server."""
        self.client = InferenceGRPCClient(address)

    async def close(self):
        await self.client.close()

    async def call(self, method, *arguments, **named):
        """Calls a method of the client."""
        try:
            return await getattr(self.client, method)(*arguments, **named)
        except grpc.RpcError as error:
            raise Failed(error.code(), error.details()) from error

    async def live(self):
        return await self.call("is_server_live")

    async def ready(self):
        return await self.call("is_server_ready")

    async def model_ready(self, model):
        return await self.call("is_model_ready", model)

    async def infer(self, inputs, *, model="model", binary=True, **given):
        """An inference. `inputs` are (name, datatype, array)."""
        response = await self.call("infer", kserve_request.request(inputs, model, binary, **given))
        outputs = kserve_request.outputs(response)
        binary = all(output._raw_data is not None for output in response.outputs)
        return Answer(response.model_name, response.model_version, response.id, outputs, binary)
