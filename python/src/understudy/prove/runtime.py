"""The converted model in ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from understudy.convert.converted import Converted
    from understudy.original import Answers


class Session:
    """Runs a converted model as the server does."""

    def __init__(self, converted: Converted) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        content = converted.model.SerializeToString()
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._inputs = converted.inputs
        self._names = [output.name for output in self._session.get_outputs()]

    def answer(self, rows: pd.DataFrame) -> Answers:
        """The answers by the name of the output."""
        return dict(zip(self._names, self._session.run(self._names, self._inputs.tensors(rows)), strict=True))
