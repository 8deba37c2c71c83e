"""A copy of a fitted model that skl2onnx converts, and that takes missing values as callers send them."""

from __future__ import annotations

import copy
from typing import Any


def copied(model: Any) -> Any:
    """A copy of the model. The category of missing texts is the empty text: a table has None or NaN, and a call has not."""
    prepared = copy.deepcopy(model)
    for part in parts(prepared):
        categories = getattr(part, "categories_", None)
        if categories is not None:
            part.categories_ = [_with_empty_text(each) for each in categories]
        if getattr(part, "flatten_transform", None):
            # It concerns `transform` only, and skl2onnx refuses it.
            part.flatten_transform = False
    return prepared


def parts(model: Any) -> list[Any]:
    """The fitted estimators in a model, itself included."""
    found: list[Any] = []
    _collect(model, found, set())
    return found


def _collect(value: Any, found: list[Any], seen: set[int]) -> None:
    if id(value) in seen:
        return
    if hasattr(value, "get_params") and not isinstance(value, type):
        seen.add(id(value))
        found.append(value)
        for each in vars(value).values():
            _collect(each, found, seen)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _collect(each, found, seen)
    elif isinstance(value, dict):
        for each in value.values():
            _collect(each, found, seen)
    elif type(value).__name__ == "ndarray" and value.dtype == object:
        for each in value.ravel():
            _collect(each, found, seen)


def _with_empty_text(categories: Any) -> Any:
    import numpy as np
    import pandas as pd

    if categories.dtype != object:
        return categories
    missing = pd.isna(categories)
    if not missing.any() or "" in list(categories[~missing]) or not all(isinstance(each, str) for each in categories[~missing]):
        return categories
    changed = np.array(categories, dtype=object)
    changed[missing] = ""
    return changed
