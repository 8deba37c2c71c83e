"""Models of many packages and formats, to ONNX. Each converter is a module here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.errors import NotConvertible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.convert.converted import Converted
    from understudy.table import Rows


def convert(model: Any, data: Rows, features: Sequence[str] | None = None) -> Converted:
    """The model as ONNX. `data` has the rows of the training, whose columns are the inputs.

    Raises:
        NotConvertible: No converter knows the model, or a part of it.
    """
    from understudy.convert import scikit_learn
    from understudy.table import inputs_of

    if scikit_learn.recognises(model):
        return scikit_learn.convert(model, inputs_of(data, features))
    raise NotConvertible(
        f"no converter knows {type(model).__module__}.{type(model).__qualname__}: export it to ONNX, or serve it with spec.runtime"
    )
