"""Reading of an .mlmodel: from bytes to Apple's `Model` message, within bounds.

coremltools' generated protobuf classes read it, so the format has one definition and it is Apple's.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from understudy.convert.coreml.errors import Unsupported

# A larger document is not a model of trees or linear terms; reading takes several times its size in memory.
MAX_BYTES = 512 * 1024 * 1024
# The newest specification that Model.proto of coremltools 9.0 describes. A newer one may add fields that change the meaning.
MAX_SPECIFICATION = 10


# The name under which coremltools' folder of messages is imported here.
_PACKAGE = "_understudy_coreml_messages"


def _messages() -> Any:
    """Import the generated messages alone.

    `import coremltools` takes 3.5 s and 200 MiB, and imports scikit-learn, XGBoost and torch where it finds them. The folder
    of messages needs only protobuf: 0.04 s. The messages live in one pool, so coremltools itself may be imported as well.
    """
    if _PACKAGE not in sys.modules:
        found = find_spec("coremltools")
        if found is None or not found.submodule_search_locations:
            raise ImportError("coremltools is not installed; it reads .mlmodel files: pip install 'understudy[coreml]'")
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(Path(found.submodule_search_locations[0]) / "proto")]
        sys.modules[_PACKAGE] = package
    return import_module(f"{_PACKAGE}.Model_pb2")


def read(document: bytes) -> Any:
    """Parse `document` to a `Model` message.

    Raises:
        Unsupported: the document is too large, damaged, empty, or newer than the specification known here.
    """
    if len(document) > MAX_BYTES:
        raise Unsupported(f"the document has {len(document)} bytes; the limit is {MAX_BYTES}")
    model: Any = _messages().Model()
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
