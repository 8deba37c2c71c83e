"""The categories of a column, and their counts."""

import numbers
from collections import Counter
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from understudy.baseline.limits import LONGEST_NAME, MOST_CATEGORIES

# Whole numbers with at most this many distinct values are codes or small counts: categories describe them better than
# bins.
FEW = 20


def categories(what: str, values: "pd.Series[Any]") -> tuple[dict[str, Any], list[int]]:
    """The counts by category, and the place of each value: that of its category, or the one after the last."""
    counts: Counter[str] = Counter()
    try:
        distinct = Counter(values)
    except TypeError as error:
        raise ValueError(f"{what} has values that cannot be categories: {error}") from None
    for value, times in distinct.items():
        counts[text(value)] += times
    other = sum(counts.pop(name) for name in list(counts) if len(name) > LONGEST_NAME)
    named = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    other += sum(times for _, times in named[MOST_CATEGORIES:])
    listed = dict(sorted(named[:MOST_CATEGORIES]))
    places = {name: place for place, name in enumerate(listed)}
    place_of = {value: places.get(text(value), len(listed)) for value in distinct}
    return {"kind": "categorical", "counts": listed, "other": other}, [place_of[value] for value in values]


def few(values: "pd.Series[Any]") -> bool:
    """Whether these are whole numbers with few distinct values, each of them a category."""
    distinct = values.nunique()
    if distinct > FEW or 2 * distinct > len(values):
        return False
    return all(np.isfinite(value) and value == int(value) for value in values.unique())


def text(value: object) -> str:
    """The name of a value's category. The server makes the same name of the value."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if is_number(value):
        if np.isfinite(value) and value == int(value):
            return str(int(value))
        return str(value)
    return str(value)


def is_number(value: object) -> TypeGuard[Any]:
    """Whether this is a real number. A boolean is not."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
