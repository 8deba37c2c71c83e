"""Rows next to the thresholds of a model. They are found by its answers, so no part of the model need be known: between two values
of a column with different answers, the interval is halved until its ends are neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.original import LABEL
from understudy.table import Kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from understudy.original import Original

PAIRS_OF_A_COLUMN = 24
MOST_PAIRS = 1_000
JUMP = 1e-9
"""A smaller change of an answer is not looked for."""


def at_edges(original: Original, test: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Rows on both sides of thresholds, as close as two numbers of 32 bits can be. Empty if the model has no thresholds."""
    import numpy as np
    import pandas as pd

    numbers = [column.name for column in original.columns if column.kind is Kind.NUMBER]
    if not numbers or len(test) < 2:
        return test.iloc[:0]
    each = max(1, min(PAIRS_OF_A_COLUMN, MOST_PAIRS // len(numbers)))
    parts, lows, highs, columns = [], [], [], []
    for name in numbers:
        values = np.unique(test[name].dropna().to_numpy(dtype=np.float64))
        values = values[np.isfinite(values)].astype(np.float32)
        if len(values) < 2:
            continue
        parts.append(test.iloc[random.choice(len(test), each)])
        ends = np.sort(np.stack([random.choice(values, each), random.choice(values, each)]), axis=0)
        lows.append(ends[0])
        highs.append(ends[1])
        columns += [name] * each
    if not parts:
        return test.iloc[:0]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.astype(dict.fromkeys(set(columns), "float64"))
    low, high = np.concatenate(lows), np.concatenate(highs)
    search = _Search(original, rows, np.array(columns, dtype=object))
    jumps, low, high = search.halve(low, high)
    found = pd.concat([search.at(low), search.at(high)], ignore_index=True)
    return found[np.concatenate([jumps, jumps])].reset_index(drop=True)


class _Search:
    """The same search for many rows at once, in one column each."""

    def __init__(self, original: Original, rows: pd.DataFrame, columns: npt.NDArray[Any]) -> None:
        self._original, self._rows, self._columns = original, rows, columns

    def at(self, values: npt.NDArray[np.float32]) -> pd.DataFrame:
        """The rows, with these values in their columns."""
        changed = self._rows.copy()
        for name in dict.fromkeys(self._columns):
            here = self._columns == name
            changed.loc[here, name] = values[here].astype("float64")
        return changed

    def halve(self, low: npt.NDArray[np.float32], high: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.bool_], Any, Any]:
        """Which rows have a jump, and the neighbours around it. Floats of 32 bits, as ordered whole numbers, have 32 halvings."""
        import numpy as np

        left, right = _ordered(low), _ordered(high)
        at_left, at_right = self._answers(low), self._answers(high)
        for _ in range(33):
            middle = left + (right - left) // 2
            at_middle = self._answers(_float(middle))
            # The half with the larger change has the jump. A slope has the same change on both sides, and ends anywhere.
            goes_left = _distance(at_left, at_middle) >= _distance(at_middle, at_right)
            moving = right - left > 1
            right, at_right = (
                np.where(moving & goes_left, middle, right),
                np.where((moving & goes_left)[:, None], at_middle, at_right),
            )
            left, at_left = (
                np.where(moving & ~goes_left, middle, left),
                np.where((moving & ~goes_left)[:, None], at_middle, at_left),
            )
        return _distance(at_left, at_right) > JUMP, _float(left), _float(right)

    def _answers(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The numbers that the original answers, in one row for each row."""
        import numpy as np

        answers = self._original.answer(self.at(values))
        numbers = [np.asarray(each, dtype=np.float64).reshape(len(values), -1) for name, each in answers.items() if name != LABEL]
        return np.hstack(numbers)


def _distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    import numpy as np

    distance: npt.NDArray[np.float64] = np.nan_to_num(np.abs(a - b)).max(axis=1)
    return distance


def _ordered(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Floats as whole numbers in the same order. Neighbours differ by one."""
    import numpy as np

    bits = values.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))


def _float(ordered: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    import numpy as np

    bits = np.where(ordered >= 0, ordered, (-ordered) | 0x80000000).astype(np.uint32)
    return bits.view(np.float32)
