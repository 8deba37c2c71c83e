"""The inputs of a model, and rows as its callers send them: as a table, as tensors, and as JSON records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from understudy.errors import UnderstudyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Rows = pd.DataFrame | npt.NDArray[Any] | Sequence[Mapping[str, object]]

VECTOR = "features"
"""Name of the only input of a model that takes a vector."""


class Kind(Enum):
    """What the values of a column are."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True)
class Column:
    """One column of the rows, which callers send by its name."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Inputs:
    """The inputs of a model: one tensor of shape `[rows, 1]` for each column, or one vector of all of them."""

    columns: tuple[Column, ...]
    """The columns, in the order in which the model was trained on them."""
    vector: bool
    """Whether the model takes one tensor of shape `[rows, columns]`, called `features`. All columns are numbers then."""
    single: bool = False
    """Whether numbers have 32 bits. Otherwise they have 64, as in a DataFrame."""

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @property
    def float_type(self) -> type[np.floating[Any]]:
        """The type of numbers."""
        import numpy as np

        return np.float32 if self.single else np.float64

    def tensors(self, rows: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
        """The rows as tensors of the model, by the name of its inputs. A missing number is NaN, a missing text is empty."""
        if self.vector:
            return {VECTOR: rows[self.names].to_numpy(dtype=self.float_type)}
        return {column.name: self._tensor(rows[column.name], column.kind).reshape(-1, 1) for column in self.columns}

    def _tensor(self, values: pd.Series[Any], kind: Kind) -> npt.NDArray[Any]:
        if kind is Kind.NUMBER:
            if hasattr(values, "cat"):
                values = values.astype(values.cat.categories.dtype if values.notna().all() else "float64")
            return values.to_numpy(dtype=self.float_type, na_value=float("nan"))
        if kind is Kind.BOOLEAN:
            if values.isna().any():
                raise UnderstudyError(
                    f"column {values.name} has missing booleans, which ONNX does not have: make it a column of texts"
                )
            return values.to_numpy(dtype=bool)
        # ONNX Runtime wants Python's own texts.
        texts = values.astype(object)
        return texts.where(texts.notna(), "").map(str).to_numpy(dtype=object)

    def record(self, row: Mapping[str, Any]) -> dict[str, object] | None:
        """A row as callers send it to `/predict`. `None` if JSON cannot hold it: a missing number, or an infinite one."""
        import math

        record: dict[str, object] = {}
        for column in self.columns:
            value = row[column.name]
            if column.kind is Kind.NUMBER:
                if not _is_given(value) or not math.isfinite(value):
                    return None
                record[column.name] = _shortest(self.float_type(value))
            elif column.kind is Kind.BOOLEAN:
                record[column.name] = bool(value)
            else:
                record[column.name] = str(value) if _is_given(value) else ""
        return record


def _is_given(value: object) -> bool:
    import pandas as pd

    return not bool(pd.isna(value))  # type: ignore[call-overload]


def _shortest(value: np.floating[Any]) -> float | int:
    """The number with the fewest digits that is the same number in the model's type."""
    number = float(str(value.item() if value.itemsize == 8 else value))
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def frame_of(rows: Rows, names: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows as a table with an index from 0. The columns of an array have these names, or `feature_0` and so on."""
    import numpy as np
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        frame = rows.reset_index(drop=True)
        frame.columns = pd.Index([str(name) for name in frame.columns])
    elif isinstance(rows, np.ndarray):
        if rows.ndim != 2:
            raise UnderstudyError(f"the rows are an array of shape {list(rows.shape)}: use two dimensions, a row for each case")
        given = names or [f"feature_{place}" for place in range(rows.shape[1])]
        if len(given) != rows.shape[1]:
            raise UnderstudyError(
                f"the rows have {rows.shape[1]} columns, and the model {len(given)}: use the columns of the training"
            )
        frame = pd.DataFrame(rows, columns=list(given))
    else:
        frame = pd.DataFrame(list(rows))
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise UnderstudyError(f"columns exist twice: {', '.join(twice)}; rename or drop all but one")
    return frame


def inputs_of(rows: Rows, names: Sequence[str] | None = None) -> Inputs:
    """The inputs of a model that was trained on these rows: a column each of a DataFrame, the vector of an array."""
    import numpy as np

    frame = frame_of(rows, names)
    columns = tuple(Column(str(name), _kind(str(name), frame[name])) for name in frame.columns)
    if not isinstance(rows, np.ndarray):
        return Inputs(columns, vector=False)
    others = [column.name for column in columns if column.kind is not Kind.NUMBER]
    if others:
        raise UnderstudyError("an array of texts or objects has no types: use a DataFrame with a column for each input")
    return Inputs(columns, vector=True, single=rows.dtype == np.float32)


def _kind(name: str, values: pd.Series[Any]) -> Kind:
    from pandas.api import types

    dtype = values.cat.categories.dtype if hasattr(values, "cat") else values.dtype
    if types.is_bool_dtype(dtype):
        return Kind.BOOLEAN
    if types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
        return Kind.NUMBER
    if types.is_string_dtype(dtype) or types.is_object_dtype(dtype):
        given = values.dropna()
        if all(isinstance(value, str) for value in given):
            return Kind.TEXT
        if len(given) and all(isinstance(value, bool) for value in given):
            return Kind.BOOLEAN
        odd = next(type(value).__name__ for value in given if not isinstance(value, str))
        raise UnderstudyError(f"column {name} has values of type {odd}: convert it to numbers, booleans or texts")
    raise UnderstudyError(f"column {name} has the type {dtype}: convert it to numbers, booleans or texts")
