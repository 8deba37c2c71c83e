"""Examples: rows with the answers of the original model, which each pod of the version must reproduce."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.original import Answers
    from understudy.prove.difference import Difference
    from understudy.prove.rows import Asked
    from understudy.table import Inputs

ROWS = 64
LARGE = ("test rows", "recorded rows")
"""Sorts that fill what the others leave."""


def examples(asked: Sequence[tuple[Asked, Difference]], inputs: Inputs, rows: int = ROWS, seed: int = 0) -> bytes:
    """JSON lines with at most so many rows: some of each sort, most of them from the test.

    Rows that JSON cannot hold are left out, and so are ties, whose label differs between processors.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    lines: list[str] = []
    # The small sorts first, a few rows each. The test has the rest.
    for each, difference in sorted(asked, key=lambda pair: pair[0].sort in LARGE):
        allowed = rows - len(lines) if each.sort in LARGE else min(2, max(0, rows // 2 - len(lines)))
        for place in random.permutation(len(each.rows)):
            if allowed <= 0:
                break
            line = None if difference.ties[place] or difference.differs[place] else _line(each, inputs, int(place))
            if line is not None:
                lines.append(line)
                allowed -= 1
    return ("\n".join(lines) + "\n").encode() if lines else b""


def _line(asked: Asked, inputs: Inputs, place: int) -> str | None:
    record = inputs.record({str(name): value for name, value in asked.rows.iloc[place].items()})
    if record is None:
        return None
    response = {"predictions": [prediction(asked.expected, place)]}
    return json.dumps({"request": {"records": [record]}, "response": response}, ensure_ascii=False, allow_nan=False)


def prediction(answers: Answers, place: int) -> dict[str, Any]:
    """A row of answers as `/predict` writes it. NaN and infinity are null, and a row with one number is that number."""
    found: dict[str, Any] = {}
    for name, values in answers.items():
        cell = values[place].tolist() if hasattr(values[place], "tolist") else values[place]
        if isinstance(cell, list) and len(cell) == 1:
            cell = cell[0]
        found[name] = _json(cell)
    return found


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
