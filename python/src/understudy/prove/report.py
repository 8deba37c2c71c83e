"""What the proof found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.original import Answers
    from understudy.prove.difference import Difference, Tolerance
    from understudy.prove.rows import Asked

WORST = 5


@dataclass(frozen=True)
class Part:
    """The rows of one sort."""

    sort: str
    rows: int
    differ: int
    refused: str | None


@dataclass(frozen=True)
class Worst:
    """A row whose answers differ."""

    sort: str
    row: dict[str, Any]
    expected: dict[str, Any]
    got: dict[str, Any]
    distance: float


@dataclass(frozen=True)
class Report:
    """How the converted model answers, compared with the original."""

    parts: tuple[Part, ...]
    tolerance: Tolerance
    rows: int
    """Rows that both answered."""
    largest: float
    """The largest difference of a number."""
    median: float
    """The median over rows of the largest difference in the row."""
    p99: float
    """The 99th percentile of the same."""
    beyond: int
    """Rows with a number beyond the tolerance."""
    flipped: int
    """Rows with another label."""
    ties: int
    """Rows with another label out of classes with equal scores. They count as equal."""
    worst: tuple[Worst, ...]
    """The rows that differ most, at most five."""

    @property
    def proven(self) -> bool:
        """Whether all answers are the same within the tolerance."""
        return self.beyond == 0 and self.flipped == 0

    @classmethod
    def of(cls, answered: Sequence[tuple[Asked, Answers, Difference]], refused: Sequence[Asked], tolerance: Tolerance) -> Report:
        """Sums up the differences, sort by sort."""
        import numpy as np

        parts, worst = [], []
        for asked, got, difference in answered:
            differs = np.flatnonzero(difference.differs)
            parts.append(Part(asked.sort, len(asked.rows), len(differs), None))
            for place in differs[np.argsort(-difference.largest[differs], kind="stable")][:WORST]:
                worst.append(_worst(asked, got, int(place), float(difference.largest[place])))
        parts += [Part(asked.sort, 0, 0, asked.refused) for asked in refused]
        differences = [difference for _, _, difference in answered]
        largest = np.concatenate([each.largest for each in differences])
        return cls(
            parts=tuple(parts),
            tolerance=tolerance,
            rows=len(largest),
            largest=float(largest.max()),
            median=float(np.quantile(largest, 0.5)),
            p99=float(np.quantile(largest, 0.99)),
            beyond=sum(int(each.beyond.sum()) for each in differences),
            flipped=sum(int(each.flipped.sum()) for each in differences),
            ties=sum(int(each.ties.sum()) for each in differences),
            worst=tuple(sorted(worst, key=lambda each: -each.distance)[:WORST]),
        )


def _worst(asked: Asked, got: Answers, place: int, distance: float) -> Worst:
    def at(answers: Answers) -> dict[str, Any]:
        return {name: each[place].tolist() if hasattr(each[place], "tolist") else each[place] for name, each in answers.items()}

    return Worst(asked.sort, dict(asked.rows.iloc[place]), at(asked.expected), at(got), distance)
