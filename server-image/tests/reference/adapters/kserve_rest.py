"""kserve's client over REST."""

import httpx
from kserve import InferenceRESTClient, RESTConfig

from adapters import kserve_request
from adapters.answer import Answer, Failed

NO_VERSION = "no method has a version"
NO_METHOD = "the client has no such method"


class KserveRest:
    """InferenceRESTClient, with version 2 of the protocol."""

    name = "kserve.InferenceRESTClient"
    cannot = {
        "a version": NO_VERSION,
        "response names": "InferResponse.from_bytes drops the version",
        "describe": NO_METHOD,
        "empty as bytes": "to_rest sends `data: null` in place of no bytes",
        "compression": "the client does not compress requests",
        "Triton": NO_METHOD,
        **kserve_request.CANNOT,
    }

    async def open(self, address):
        """Makes a client for this server."""
        self.url = f"http://{address}"
        self.client = InferenceRESTClient(RESTConfig(protocol="v2"))

    async def close(self):
        await self.client.close()

    async def call(self, method, *arguments, **named):
        """Calls a method of the client."""
        try:
            return await getattr(self.client, method)(self.url, *arguments, **named)
        except httpx.HTTPStatusError as error:
            raise Failed(error.response.status_code, str(error)) from error

    async def live(self):
        return await self.call("is_server_live")

    async def ready(self):
        return await self.call("is_server_ready")

    async def model_ready(self, model):
        return await self.call("is_model_ready", model)

    async def infer(self, inputs, *, model="model", binary=True, **given):
        """An inference. `inputs` are (name, datatype, array)."""
        request = kserve_request.request(inputs, model, binary, **given)
        if binary:
            request.parameters = {**(request.parameters or {}), "binary_data_output": True}
        headers = {}
        response = await self.call("infer", request, model, response_headers=headers)
        outputs = kserve_request.outputs(response)
        return Answer(response.model_name, None, response.id, outputs, "inference-header-content-length" in headers)
