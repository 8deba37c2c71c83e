"""How far answers are from the expected ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from understudy.original import Answers


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the expected one: `absolute + relative * |expected|`, as in `spec.examples.tolerance`."""

    absolute: float = 1e-5
    relative: float = 1e-5


@dataclass(frozen=True)
class Difference:
    """What two models answer to the same rows, row by row."""

    largest: npt.NDArray[np.float64]
    """The largest distance of a number in each row. Infinite if only one of both is NaN."""
    beyond: npt.NDArray[np.bool_]
    """Whether a number in the row is beyond the tolerance."""
    flipped: npt.NDArray[np.bool_]
    """Whether the label in the row is another one, and the expected one was not a tie within the tolerance."""
    ties: npt.NDArray[np.bool_]
    """Whether the label is another one of classes whose scores are equal within the tolerance."""

    @classmethod
    def of(cls, expected: Answers, got: Answers, tolerance: Tolerance) -> Difference:
        """The difference of these answers. A missing output, or one of another shape, is beyond the tolerance in every row."""
        import numpy as np

        rows = len(next(iter(expected.values())))
        largest, beyond = np.zeros(rows), np.zeros(rows, bool)
        flipped, ties = np.zeros(rows, bool), np.zeros(rows, bool)
        for name, want in expected.items():
            have = got.get(name)
            if have is None or have.size != want.size or len(have) != rows:
                largest[:], beyond[:] = np.inf, True
            elif want.dtype.kind == "f":
                distance, outside = _numbers(want.reshape(rows, -1), have.reshape(rows, -1), tolerance)
                largest, beyond = np.maximum(largest, distance), beyond | outside
            else:
                flipped |= want.reshape(rows, -1).astype(str).ravel() != have.reshape(rows, -1).astype(str).ravel()
        for name in ("probabilities", "scores"):
            if name in expected and expected[name].ndim == 2 and expected[name].shape[1] > 1:
                ties = flipped & _tied(expected[name], tolerance)
        return cls(largest, beyond, flipped & ~ties, ties)

    @property
    def differs(self) -> npt.NDArray[np.bool_]:
        """The rows that are not the same answer."""
        return self.beyond | self.flipped


def _numbers(want: npt.NDArray[Any], have: npt.NDArray[Any], tolerance: Tolerance) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    import numpy as np

    want, have = want.astype(np.float64), have.astype(np.float64)
    with np.errstate(invalid="ignore"):
        distance = np.abs(have - want)
    # Equal infinities have the distance NaN, and so have two NaN.
    same = (want == have) | (np.isnan(want) & np.isnan(have))
    distance = np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))
    allowed = tolerance.absolute + tolerance.relative * np.nan_to_num(np.abs(want), posinf=0.0)
    return distance.max(axis=1, initial=0.0), (distance > allowed).any(axis=1)


def _tied(scores: npt.NDArray[Any], tolerance: Tolerance) -> npt.NDArray[np.bool_]:
    """Whether the two highest scores of a row are equal within the tolerance, on both sides."""
    import numpy as np

    top = np.sort(scores.astype(np.float64), axis=1)[:, -2:]
    tied: npt.NDArray[np.bool_] = top[:, 1] - top[:, 0] <= 2 * (tolerance.absolute + tolerance.relative * np.abs(top[:, 1]))
    return tied
