"""The proof: the original and the converted model answer the same rows, and their answers are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.prove.difference import Difference, Tolerance
from understudy.prove.report import Report
from understudy.prove.rows import Asked, rows_to_ask
from understudy.runtime import Session

if TYPE_CHECKING:
    import pandas as pd

    from understudy.convert.converted import Converted

__all__ = ["Asked", "Difference", "Proof", "Report", "Tolerance", "prove"]


@dataclass(frozen=True)
class Proof:
    """What was asked, and what was found."""

    report: Report
    asked: tuple[tuple[Asked, Difference], ...]
    """The rows that the original answered, by sort, and how far the converted model is from these answers."""


def prove(converted: Converted, rows: pd.DataFrame, tolerance: Tolerance | None = None, seed: int = 0) -> Proof:
    """Asks the original and ONNX Runtime the same rows: these, rows next to their thresholds, and rows with missing values and
    unseen categories.
    """
    tolerance = tolerance or Tolerance()
    session = Session(converted)
    answered, refused = [], []
    for asked in rows_to_ask(converted.original, rows, seed):
        if asked.refused is None:
            got = session.answer(asked.rows)
            answered.append((asked, got, Difference.of(asked.expected, got, tolerance)))
        else:
            refused.append(asked)
    report = Report.of(answered, refused, tolerance)
    return Proof(report, tuple((asked, difference) for asked, _, difference in answered))
