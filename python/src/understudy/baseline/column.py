"""One column: its kind, its counts, its type, and its counts in each part of the training data."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from understudy.baseline.bins import numeric
from understudy.baseline.categories import categories, few, is_number
from understudy.baseline.cells import flat
from understudy.baseline.moments import moments
from understudy.baseline.parts import Parts, table


def count(what: str, series: "pd.Series[Any]", bins: int, categorical: bool, parts: Parts | None) -> dict[str, Any] | None:
    """The kind, the counts, the number of missing values and the type of one column, and its counts by chunk and season."""
    series, row = flat(series)
    present = series.notna().to_numpy()
    values = series[present]
    missing = len(series) - len(values)
    if series.dtype == object and len(values) and all(is_number(value) for value in values):
        values = pd.to_numeric(values)
    if types.is_complex_dtype(values) or types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        raise ValueError(f"{what} is of type {values.dtype}: convert it to the numbers that the model gets")

    counted: dict[str, Any] | None = None
    place: npt.NDArray[np.int64] | list[int] = []
    more: dict[str, float] = {}
    if values.empty:
        pass
    elif categorical or not types.is_numeric_dtype(values) or types.is_bool_dtype(values) or few(values):
        counted, place = categories(what, values)
        cells = len(counted["counts"]) + 1
    else:
        floats = values.to_numpy(dtype=np.float64)
        counted, place = numeric(floats, bins)
        if counted is not None:
            cells = len(counted["counts"])
            more = moments(floats[np.isfinite(floats)])
    if counted is None:
        warnings.warn(f"{what} has no value and is left out", stacklevel=3)
        return None
    counted |= {"missing": missing, "type": type_of(series, values), **more}
    if parts is not None and (parts.chunks or parts.season):
        # The cells of a part: its bins or its categories and all others, then its missing values.
        cell = np.full(len(series), cells)
        cell[present] = place
        of = parts.of(row)
        if parts.chunks:
            inside = of.chunk >= 0
            counted["chunks"] = table(of.chunk[inside], parts.chunks, cell[inside], cells + 1)
        if parts.season:
            counted["seasons"] = table(of.period, parts.periods, cell, cells + 1)
    return counted


def type_of(series: "pd.Series[Any]", values: "pd.Series[Any]") -> str:
    """The type of the values of a column, of which `values` are those that are not missing."""
    kind = values.cat.categories.dtype if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
    if types.is_bool_dtype(kind) or (kind == object and all(isinstance(value, (bool, np.bool_)) for value in values)):  # noqa: E721, a dtype
        return "boolean"
    if types.is_integer_dtype(kind):
        return "integer"
    if types.is_float_dtype(kind):
        # A float64 column is how pandas holds whole numbers with gaps. No other type of floats has that use.
        gaps = series.dtype == np.float64 and len(values) < len(series)
        finite = values.to_numpy(dtype=np.float64) if gaps else np.array([])
        finite = finite[np.isfinite(finite)]
        return "integer" if finite.size and (finite == np.trunc(finite)).all() else "float"
    return "text"
