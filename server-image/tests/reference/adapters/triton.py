"""What all of Triton's clients have: their methods have the same names."""

from tritonclient.utils import InferenceServerException

from adapters.answer import Failed, settled


class Triton:
    """One of Triton's clients, by its module. `cannot` has the reasons by the names of checks."""

    cannot = {}

    def __init__(self, module):
        self.name = module.__name__
        self.module = module
        self.client = None

    async def open(self, address):
        """Makes a client for this server."""
        self.client = self.module.InferenceServerClient(address)

    async def close(self):
        await settled(self.client.close())

    async def call(self, method, *arguments, **named):
        """Calls a method of the client."""
        try:
            return await settled(getattr(self.client, method)(*arguments, **named))
        except InferenceServerException as error:
            raise Failed(error.status(), error.message()) from error

    async def document(self, method, *arguments):
        """Calls a method that returns a document, as JSON."""
        return await self.call(method, *arguments)

    async def live(self):
        return await self.call("is_server_live")

    async def ready(self):
        return await self.call("is_server_ready")

    async def model_ready(self, model, version=""):
        return await self.call("is_model_ready", model, version)

    async def server_metadata(self):
        return await self.document("get_server_metadata")

    async def model_metadata(self, model, version=""):
        return await self.document("get_model_metadata", model, version)

    async def config(self, model):
        return await self.document("get_model_config", model)

    async def index(self):
        return await self.document("get_model_repository_index")

    async def statistics(self, model):
        (found,) = (await self.document("get_inference_statistics", model))["model_stats"]
        return found

    async def load(self, model):
        await self.call("load_model", model)

    async def unload(self, model):
        await self.call("unload_model", model)
