"""The converted model in ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    import onnxruntime
    import pandas as pd

    from understudy.convert.converted import Converted
    from understudy.original import Answers


def load(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The model, ready to run. It raises what ONNX Runtime raises."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Its warnings are about graphs that it makes faster, and nobody here can act on them.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Session:
    """Runs a converted model as the server does."""

    def __init__(self, converted: Converted) -> None:
        self._session = load(converted.model)
        self._inputs = converted.inputs
        self._names = [output.name for output in self._session.get_outputs()]

    def answer(self, rows: pd.DataFrame) -> Answers:
        """The answers by the name of the output."""
        return dict(zip(self._names, self._session.run(self._names, self._inputs.tensors(rows)), strict=True))
