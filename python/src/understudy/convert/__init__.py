"""Models of many packages and formats, to ONNX. Each converter is a module here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from understudy.errors import NotConvertible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.convert.converted import Converted
    from understudy.table import Inputs, Rows


class Converter(Protocol):
    """A module with a converter."""

    def recognises(self, model: object) -> bool:
        """Whether it knows such models."""
        ...

    def convert(self, model: Any, inputs: Inputs) -> Converted:
        """The model as ONNX."""
        ...


def convert(model: Any, data: Rows, features: Sequence[str] | None = None, answers: Any = None) -> Converted:
    """The model as ONNX. `data` has the rows of the training, whose columns are the inputs. `answers` are those that the original
    system gave to the rows of the test, for a model that cannot run here.

    Raises:
        NotConvertible: No converter knows the model, or a part of it.
    """
    from understudy.convert import catboost, lightgbm, scikit_learn, xgboost
    from understudy.convert.documents import Document
    from understudy.convert.documents import convert as convert_document
    from understudy.table import frame_of, inputs_of

    if isinstance(model, Document):
        return convert_document(model, answers, [str(name) for name in frame_of(data, features).columns])

    # CatBoost has scikit-learn's interface as well, and an export of its own.
    converters: tuple[Converter, ...] = (catboost, xgboost, lightgbm, scikit_learn)
    for converter in converters:
        if converter.recognises(model):
            return converter.convert(model, inputs_of(data, features))
    raise NotConvertible(
        f"no converter knows {type(model).__module__}.{type(model).__qualname__}: export it to ONNX, or serve it with spec.runtime"
    )
