"""Cells with more than one number: the scores of a response, and lists."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from understudy.baseline.categories import text

# Numbers in a cell of an output that are columns of their own, as in server-image/src/columns.rs.
MOST_SCORES = 32
NESTED = (list, tuple, np.ndarray, dict)


def scores(outputs: "dict[str, pd.Series[Any]]") -> "dict[str, pd.Series[Any]]":
    """The outputs with a column for each number of a row, as the server counts them."""
    has_label = any(series.dtype == object and not nested(series) for series in outputs.values()) or any(
        not types.is_float_dtype(series) for series in outputs.values() if series.dtype != object
    )
    columns: dict[str, pd.Series[Any]] = {}
    for name, series in outputs.items():
        cells = [each if isinstance(each, dict) else dict(enumerate(np.ravel(each))) for each in series] if nested(series) else []
        classes = list(cells[0]) if cells else []
        if not 2 <= len(classes) <= MOST_SCORES or any(list(cell) != classes for cell in cells):
            columns[name] = series
            continue
        named = any(isinstance(each, dict) for each in series)
        for index in classes[1:] if len(classes) == 2 and (has_label or named) else classes:
            columns[f"{name}[{text(index)}]"] = pd.Series([cell[index] for cell in cells])
    return columns


def nested(series: "pd.Series[Any]") -> bool:
    """Whether every cell is a list, an array or a dictionary."""
    return series.dtype == object and len(series) > 0 and all(isinstance(cell, NESTED) for cell in series)


def flat(series: "pd.Series[Any]") -> "tuple[pd.Series[Any], npt.NDArray[np.int64]]":
    """If cells are lists or arrays: all their elements. Otherwise the series itself. And the row of each value."""
    if series.dtype != object or not any(isinstance(cell, NESTED) for cell in series):
        return series, np.arange(len(series))
    if any(isinstance(cell, dict) for cell in series):
        raise ValueError("the scores of a row have other classes than those of the row before it, or more than 32")
    cells: list[Any] = [np.ravel(cast(Any, cell)) if isinstance(cell, NESTED) else [cell] for cell in series]
    elements = pd.Series([each for cell in cells for each in cell]).infer_objects()
    return elements, np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])
