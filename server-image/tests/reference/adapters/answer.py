"""What every client's answers and errors are turned into."""

import inspect
from dataclasses import dataclass

import numpy

# What a refusal means, by the status of HTTP and the code of gRPC.
MEANINGS = {
    "400": "invalid",
    "404": "not found",
    "501": "unsupported",
    "504": "too late",
    "INVALID_ARGUMENT": "invalid",
    "NOT_FOUND": "not found",
    "UNIMPLEMENTED": "unsupported",
    "DEADLINE_EXCEEDED": "too late",
}


class Failed(Exception):
    """The client's own error for an answer of the server."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.meaning = MEANINGS.get(str(status).removeprefix("StatusCode."), str(status))
        self.message = message


@dataclass
class Answer:
    """An inference as a client sees it."""

    model: str
    version: str
    id: str
    # (name, datatype, array), in the order of the response.
    outputs: list
    # Whether the elements came as bytes.
    binary: bool


def plain(array):
    """An array of strings as `bytes`: clients return text or bytes."""
    if array.dtype.kind not in "OSU":
        return array
    items = [item.encode() if isinstance(item, str) else bytes(item) for item in array.ravel()]
    return numpy.array(items + [None], dtype=object)[:-1].reshape(array.shape)


async def settled(value):
    """The value of a call, which a client for asyncio must be waited for."""
    return await value if inspect.isawaitable(value) else value
