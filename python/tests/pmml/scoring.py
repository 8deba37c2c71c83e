"""Runs a converted model on rows, and compares its answers with those of another scorer."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import onnx
import onnxruntime

Row = dict[str, Any]
Answer = dict[str, Any]
"""`value`: the number or class that is predicted, None if missing. `probabilities`: by class, None if missing."""

_ELEMENTS = {"tensor(double)": (np.float64, np.nan), "tensor(string)": (object, ""), "tensor(bool)": (bool, False)}


class Scorer:
    """A converted model in ONNX Runtime."""

    def __init__(self, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self._session.get_inputs()]
        self.metadata = {each.key: each.value for each in model.metadata_props}

    def score(self, rows: list[Row]) -> list[Answer]:
        """The answers for rows; None is a missing value."""
        feeds = {}
        for port in self._session.get_inputs():
            dtype, empty = _ELEMENTS[port.type]
            feeds[port.name] = np.array([[empty if row[port.name] is None else row[port.name]] for row in rows], dtype=dtype)
        outputs = dict(zip((port.name for port in self._session.get_outputs()), self._session.run(None, feeds), strict=True))
        if "prediction" in outputs:
            assert outputs["prediction"].shape == (len(rows), 1)
            return [{"value": _none(float(number))} for number in outputs["prediction"][:, 0]]
        labels = json.loads(self.metadata["labels"])
        assert outputs["label"].shape == (len(rows),)
        answers: list[Answer] = []
        for index, label in enumerate(outputs["label"].tolist()):
            answer: Answer = {"value": None if label in ("", np.iinfo(np.int64).min) else str(label)}
            if "probabilities" in outputs:
                assert outputs["probabilities"].shape == (len(rows), len(labels))
                answer["probabilities"] = {
                    str(name): _none(float(p)) for name, p in zip(labels, outputs["probabilities"][index], strict=True)
                }
            answers.append(answer)
        return answers


def _none(number: float) -> float | None:
    return None if math.isnan(number) else number


def close(left: float | None, right: float | None, tolerance: float = 1e-5) -> bool:
    """Whether two numbers agree: both missing, or within the tolerance."""
    if left is None or right is None:
        return left is right
    if left == right:
        return True
    return abs(left - right) <= max(tolerance * max(abs(left), abs(right)), 1e-12)


def difference(ours: Answer, theirs: Answer) -> str | None:
    """What differs between two answers, or None. Classes whose probabilities are equal may be swapped."""
    if isinstance(theirs["value"], float) or isinstance(ours["value"], float):
        if theirs["value"] is None and ours["value"] in (math.inf, -math.inf):
            return None  # the other scorer answers in JSON, which has no infinite numbers
        return None if close(ours["value"], theirs["value"]) else f"{ours['value']} instead of {theirs['value']}"
    known = theirs.get("probabilities") or {}
    if None in known.values() and any(p is not None for p in known.values()):
        return None  # a number of the other scorer is infinite
    mine = ours.get("probabilities") or {}
    for name, p in known.items():
        if name in mine and not close(mine[name], p):
            return f"probability of {name}: {mine[name]} instead of {p}"
    if ours["value"] != theirs["value"]:
        tied = mine.get(ours["value"]) is not None and close(mine.get(ours["value"]), mine.get(theirs["value"]))
        if not tied:
            return f"{ours['value']} instead of {theirs['value']}"
    return None
