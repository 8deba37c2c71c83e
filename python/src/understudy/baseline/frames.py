"""The baseline of two DataFrames: the inputs of a model and its responses to them."""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from understudy.baseline.cells import scores
from understudy.baseline.column import count
from understudy.baseline.limits import LONGEST_NAME, MOST_BINS, MOST_COLUMNS
from understudy.baseline.parts import parts_of


def of(
    inputs: pd.DataFrame,
    outputs: pd.DataFrame | None = None,
    bins: int = 10,
    categorical: Sequence[str] = (),
    time: "pd.Series[Any] | None" = None,
    window: str | None = None,
    season: str | None = None,
) -> dict[str, Any]:
    """The baseline of the columns of `inputs` and `outputs`, for `dump`.

    `categorical` lists columns of either frame to count as categories in any case. A column without a value is left
    out, with a warning. `time` has the time of each row, `window` the length of a chunk (`"1h"`), and `season` is
    `"hour"`, `"weekday"` or `"hourOfWeek"`.
    """
    if not 1 <= bins <= MOST_BINS:
        raise ValueError(f"{bins} bins: use 1 to {MOST_BINS}")
    frames = [("input", inputs), *([] if outputs is None else [("output", outputs)])]
    unknown = set(categorical) - {str(name) for _, frame in frames for name in frame.columns}
    if unknown:
        raise ValueError(f"categorical lists columns that do not exist: {', '.join(sorted(unknown))}")
    parts = parts_of(len(inputs), time, window, season)
    columns = []
    for role, frame in frames:
        aligned = len(frame) == len(inputs)
        if not aligned and (parts.chunks or season):
            rows = f"{len(frame)} rows of outputs, {len(inputs)} of inputs"
            warnings.warn(f"{rows}: outputs get no chunks and no seasons", stacklevel=2)
        values = {str(name): frame.iloc[:, place] for place, name in enumerate(frame.columns)}
        check_names(role, [str(name) for name in frame.columns])
        if role == "output":
            values = scores(values)
            check_names(role, list(values))
        for name, series in values.items():
            counted = count(f"{role} {name}", series, bins, name in categorical, parts if aligned else None)
            if counted is not None:
                columns.append({"role": role, "name": name, **counted})
    if not columns:
        raise ValueError("no column has a value")
    made: dict[str, Any] = {"version": 1, "columns": columns}
    if season:
        made["seasons"] = season
    if parts.chunks:
        made["chunks"] = parts.rows()
    return made


def check_names(role: str, names: list[str]) -> None:
    """Raises a ValueError if there are too many names, or one that the file cannot have."""
    if len(names) > MOST_COLUMNS:
        raise ValueError(f"{len(names)} {role}s, the limit is {MOST_COLUMNS}: drop the least important ones")
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{role} {name} exists {times} times: rename or drop all but one")
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"{role} {name!r}: a name must have 1 to {LONGEST_NAME} characters")
