"""The rows of the proof: those of the test, and those where a conversion usually goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy.prove.edges import at_edges
from understudy.table import Kind

if TYPE_CHECKING:
    import pandas as pd

    from understudy.original import Answers, Original

MOST_ROWS = 20_000
"""Rows of the test that are asked. Of more, a part that is chosen at random."""
ROWS_OF_A_COLUMN = 20
"""Rows with a missing value, or an unseen category, for each column."""
UNSEEN = "a category that the training data do not have"


@dataclass(frozen=True)
class Asked:
    """Rows of one sort, with the answers of the original."""

    sort: str
    """Where the rows come from, such as `test rows` or `missing amount`."""
    rows: pd.DataFrame
    expected: Answers
    refused: str | None = None
    """Why the original does not answer such rows, if it does not. Then there are no rows."""


def rows_to_ask(original: Original, test: pd.DataFrame, seed: int) -> list[Asked]:
    """The rows of the proof, each sort with the original's answers."""
    import numpy as np

    random = np.random.default_rng(seed)
    if original.recorded:
        rows = test[[column.name for column in original.columns]]
        return [Asked("recorded rows", rows, original.answer(rows))]
    if len(test) > MOST_ROWS:
        test = test.iloc[np.sort(random.choice(len(test), MOST_ROWS, replace=False))].reset_index(drop=True)
    test = test[[column.name for column in original.columns]]
    asked = [Asked("test rows", test, original.answer(test))]
    edges = at_edges(original, test, random)
    if len(edges):
        asked.append(Asked("rows next to a threshold", edges, original.answer(edges)))
    for column in original.columns:
        chosen = test.iloc[random.choice(len(test), min(ROWS_OF_A_COLUMN, len(test)), replace=False)].reset_index(drop=True)
        if column.kind is Kind.NUMBER:
            asked.append(_changed(original, chosen, column.name, f"missing {column.name}", float("nan")))
        elif column.kind is Kind.TEXT:
            asked.append(_changed(original, chosen, column.name, f"missing {column.name}", _missing_text(test[column.name])))
            asked.append(_changed(original, chosen, column.name, f"unseen category of {column.name}", UNSEEN))
    return asked


def _changed(original: Original, rows: pd.DataFrame, column: str, sort: str, value: object) -> Asked:
    """These rows with this value. A model may refuse it, and that is no difference: it has no answer to compare with."""
    import pandas as pd
    from pandas.api.types import is_numeric_dtype as is_number

    changed = rows.copy()
    if isinstance(value, float) and not isinstance(rows[column].dtype, pd.CategoricalDtype) and is_number(rows[column]):
        # A column of whole numbers cannot have NaN.
        changed[column] = float("nan")
    else:
        # The column keeps its type, which says what a missing value is.
        changed[column] = pd.Series([value] * len(rows), index=rows.index, dtype=_type_of(rows[column], value))
    try:
        return Asked(sort, changed, original.answer(changed))
    except Exception as error:  # noqa: BLE001
        # Models raise anything.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Asked(sort, changed.iloc[:0], {}, reason)


def _missing_text(values: pd.Series[Any]) -> object:
    """What a missing text is in this column. pandas mostly has NaN."""
    return None if any(value is None for value in values) else float("nan")


def _type_of(values: pd.Series[Any], value: object) -> Any:
    """The type of the column. A category that it does not have makes it a column of texts."""
    import pandas as pd

    if isinstance(value, str) and isinstance(values.dtype, pd.CategoricalDtype):
        return values.dtype.categories.dtype
    return values.dtype
