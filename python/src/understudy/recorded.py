"""Answers that the original system gave, for models that cannot run here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.errors import UnderstudyError
from understudy.original import LABEL, PREDICTION, PROBABILITIES, Original, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from understudy.original import Answers
    from understudy.table import Column


def original_of(
    answers: pd.DataFrame, columns: tuple[Column, ...], labels: Sequence[Any], outputs: tuple[str, ...], described: str
) -> Original:
    """The original, as it answered certain rows: a table with the columns `label` and one for each class, or `prediction`.

    Raises:
        UnderstudyError: A column is missing.
    """
    import numpy as np

    given = answers.reset_index(drop=True)
    given.columns = given.columns.map(str)
    found: Answers = {}
    for output in outputs:
        names = [str(label) for label in labels] if output == PROBABILITIES else [output]
        absent = [name for name in names if name not in given.columns]
        if absent and output == PROBABILITIES and len(absent) == len(names):
            # The labels alone are less than all, and more than nothing.
            continue
        if absent:
            raise UnderstudyError(f"the recorded answers lack the column {', '.join(absent)}: they have {', '.join(given.columns)}")
        values = given[names].to_numpy(dtype=np.float64) if output in (PROBABILITIES, PREDICTION) else given[output].to_numpy()
        found[output] = values

    def answer(rows: pd.DataFrame) -> Answers:
        if len(rows) != len(given):
            raise UnderstudyError(f"{len(given)} answers were recorded for {len(rows)} rows: pass one for each row of the test")
        return found

    task = Task.CLASSIFICATION if LABEL in outputs else Task.REGRESSION
    return Original(task, columns, tuple(labels), outputs, answer, described, recorded=True)
