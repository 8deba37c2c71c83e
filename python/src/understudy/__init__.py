"""Publish machine-learning models to Understudy: converted to ONNX, proven to give the same answers, evaluated and documented.

    import understudy
    understudy.publish(model, "risk/fraud", data=X_train, test=(X_test, y_test))

Nothing heavy is imported before a function needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy import baseline
    from understudy.api import publish
    from understudy.errors import ClusterFailed, NotConvertible, NotProven, StoreFailed, UnderstudyError
    from understudy.publication import Publication

__version__ = "0.1.0"

_WHERE = {
    "publish": "understudy.api",
    "Publication": "understudy.publication",
    "UnderstudyError": "understudy.errors",
    "NotConvertible": "understudy.errors",
    "NotProven": "understudy.errors",
    "StoreFailed": "understudy.errors",
    "ClusterFailed": "understudy.errors",
}

__all__ = [
    "ClusterFailed",
    "NotConvertible",
    "NotProven",
    "Publication",
    "StoreFailed",
    "UnderstudyError",
    "__version__",
    "baseline",
    "publish",
]


def __getattr__(name: str) -> Any:
    """The public names, imported when they are used."""
    if name == "baseline":
        return importlib.import_module("understudy.baseline")
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'understudy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
