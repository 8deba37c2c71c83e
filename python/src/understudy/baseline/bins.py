"""The bins of a column of numbers, and their counts."""

from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any

import numpy as np
import numpy.typing as npt

from understudy.baseline.digits import DIGITS, between, outward


def numeric(values: npt.NDArray[np.float64], bins: int) -> tuple[dict[str, Any] | None, npt.NDArray[np.int64]]:
    """The bins with their counts, and the bin of each value. None if no value is finite."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None, np.array([], np.int64)
    edges = edges_of(finite, bins)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    return {"kind": "numeric", "edges": edges, "counts": [int(each) for each in counts]}, place


def edges_of(values: npt.NDArray[np.float64], bins: int) -> list[float]:
    """Strictly increasing edges of at most `bins` bins. No value is below the first or above the last edge."""
    distinct, times = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        return edges_of_constant(float(distinct[0]))
    # The number of values below each gap between two distinct values.
    below = np.cumsum(times)[:-1]
    gaps: list[int] = []
    for left in range(bins, 1, -1):
        done, first = (below[gaps[-1]], gaps[-1] + 1) if gaps else (0, 0)
        if first == len(below):
            break
        # The next bin's share of the remaining values, so that one frequent value does not take the bins of the others.
        share = done + (len(values) - done) / left
        after = np.searchsorted(below, share)
        before, behind = (int(gap) for gap in np.clip([after - 1, after], first, len(below) - 1))
        gaps.append(before if abs(below[before] - share) <= abs(below[behind] - share) else behind)
    cuts = [between(float(distinct[gap]), float(distinct[gap + 1])) for gap in gaps]
    low, high = float(distinct[0]), float(distinct[-1])
    spread = high - low
    return [outward(low, spread, ROUND_FLOOR), *cuts, outward(high, spread, ROUND_CEILING)]


def edges_of_constant(value: float) -> list[float]:
    """A bin around the value and an empty bin on each side, for other values."""
    width = abs(value) / 1000 or 0.001
    return [float(f"{value + step * width:.{DIGITS - 1}e}") for step in (-2, -1, 1, 2)]
