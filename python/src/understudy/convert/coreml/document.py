"""Reading of an .mlmodel: from bytes to Apple's `Model` message, within bounds.

coremltools' generated protobuf classes read it, so the format has one definition and it is Apple's.
"""

import logging
from importlib import import_module
from typing import Any

from understudy.convert.coreml.errors import Unsupported

# A larger document is not a model of trees or linear terms; reading takes several times its size in memory.
MAX_BYTES = 512 * 1024 * 1024
# The newest specification that Model.proto of coremltools 9.0 describes. A newer one may add fields that change the meaning.
MAX_SPECIFICATION = 10


def read(document: bytes) -> Any:
    """Parse `document` to a `Model` message.

    Raises:
        Unsupported: the document is too large, damaged, empty, or newer than the specification known here.
    """
    if len(document) > MAX_BYTES:
        raise Unsupported(f"the document has {len(document)} bytes; the limit is {MAX_BYTES}")
    # coremltools logs on import that other libraries have untested versions. Those libraries are not used here.
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    # Neither package has types, hence the import by name.
    model: Any = import_module("coremltools.proto.Model_pb2").Model()
    decode_error: type[Exception] = import_module("google.protobuf.message").DecodeError
    try:
        model.ParseFromString(document)
    except decode_error as error:
        raise Unsupported(f"the document is not an .mlmodel: {error}; give the content of a whole .mlmodel file") from error
    if not 1 <= model.specificationVersion <= MAX_SPECIFICATION:
        raise Unsupported(
            f"the specification version is {model.specificationVersion}; versions 1 to {MAX_SPECIFICATION} can be converted"
        )
    return model
