"""What a fitted scikit-learn model answers."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

from understudy.errors import NotConvertible
from understudy.original import LABEL, PREDICTION, PROBABILITIES, SCORES, Original, Task

if TYPE_CHECKING:
    import pandas as pd

    from understudy.original import Answers
    from understudy.table import Inputs


def of(model: Any, inputs: Inputs) -> Original:
    """The model as its maker calls it: with a DataFrame, or with an array if it was trained on one."""
    import numpy as np
    from sklearn.base import is_classifier, is_regressor

    def given(rows: pd.DataFrame) -> Any:
        return rows[inputs.names].to_numpy(dtype=inputs.float_type) if inputs.vector else rows[inputs.names]

    def classified(rows: pd.DataFrame) -> Answers:
        return {LABEL: np.ravel(model.predict(given(rows))), PROBABILITIES: np.asarray(model.predict_proba(given(rows)))}

    def scored(rows: pd.DataFrame) -> Answers:
        scores = np.asarray(model.decision_function(given(rows))).reshape(len(rows), -1)
        # Of two classes, skl2onnx answers both scores.
        both = np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores
        return {LABEL: np.ravel(model.predict(given(rows))), SCORES: both}

    def regressed(rows: pd.DataFrame) -> Answers:
        return {PREDICTION: np.asarray(model.predict(given(rows))).reshape(len(rows), -1)}

    described = f"{_kind(model)}, {_package(model)}"
    if is_classifier(model):
        labels = tuple(_plain(each) for each in model.classes_)
        if hasattr(model, "predict_proba"):
            return Original(Task.CLASSIFICATION, inputs.columns, labels, (LABEL, PROBABILITIES), classified, described)
        return Original(Task.CLASSIFICATION, inputs.columns, labels, (LABEL, SCORES), scored, described)
    if is_regressor(model):
        return Original(Task.REGRESSION, inputs.columns, (), (PREDICTION,), regressed, described)
    raise NotConvertible(
        f"{type(model).__name__} is neither a classifier nor a regressor: publish it as an ONNX file with examples"
    )


def _kind(model: Any) -> str:
    """The type of the model. Of a pipeline, that of the last step as well."""
    steps = getattr(model, "steps", None)
    return f"{type(model).__name__} with {_kind(steps[-1][1])}" if steps else type(model).__name__


def _package(model: Any) -> str:
    steps = getattr(model, "steps", None)
    package = type(steps[-1][1] if steps else model).__module__.partition(".")[0]
    known = {"sklearn": "scikit-learn"}.get(package, package)
    names = [known, f"{known}-cpu"]
    for name in names:
        try:
            return f"{known} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return known


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label
