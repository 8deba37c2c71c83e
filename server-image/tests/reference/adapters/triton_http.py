"""tritonclient over HTTP."""

import tritonclient.http as http

from adapters.answer import Answer, plain
from adapters.triton import Triton


class TritonHttp(Triton):
    """tritonclient.http, or tritonclient.http.aio."""

    async def infer(self, inputs, *, model="model", version="", outputs=None, classes=0, binary=True, compression=None, **given):
        """An inference. `inputs` are (name, datatype, array), `outputs` are names."""
        sent = []
        for name, datatype, array in inputs:
            sent.append(http.InferInput(name, list(array.shape), datatype))
            sent[-1].set_data_from_numpy(array, binary_data=binary)
        if outputs is not None:
            outputs = [http.InferRequestedOutput(name, binary_data=binary, class_count=classes) for name in outputs]
        result = await self.call(
            "infer", model, sent, version, outputs=outputs, request_compression_algorithm=compression,
            response_compression_algorithm=compression, **given)
        response = result.get_response()
        read = [(one["name"], one["datatype"], plain(result.as_numpy(one["name"]))) for one in response["outputs"]]
        forms = {"data" not in one for one in response["outputs"]}
        assert len(forms) == 1, f"outputs have different forms: {response}"
        return Answer(response["model_name"], response["model_version"], response.get("id"), read, forms.pop())
