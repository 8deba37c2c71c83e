"""The parts of the training data: the chunk and the period of each row."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from understudy.baseline.chunks import equal_chunks, windows
from understudy.baseline.seasons import SEASONS
from understudy.baseline.times import seconds_of, seconds_of_window


@dataclass
class Parts:
    """The chunk and the period of each row. A row in no chunk has -1."""

    chunks: int
    chunk: npt.NDArray[np.int64]
    season: str | None
    periods: int
    period: npt.NDArray[np.int64]

    def of(self, rows: npt.NDArray[np.int64]) -> "Parts":
        """The parts of these rows, in their order."""
        return Parts(self.chunks, self.chunk[rows], self.season, self.periods, self.period[rows])

    def rows(self) -> list[list[int]]:
        """The rows of each chunk, by period."""
        inside = self.chunk >= 0
        return table(self.chunk[inside], self.chunks, self.period[inside], self.periods)


def parts_of(rows: int, time: "pd.Series[Any] | None", window: str | None, season: str | None) -> Parts:
    """The chunk and the period of each of so many rows."""
    for name, given in (("window", window), ("season", season)):
        if given and time is None:
            raise ValueError(f"{name} needs the time of each row: add --time COLUMN")
    if season and season not in SEASONS:
        raise ValueError(f"season {season}: use {', '.join(SEASONS)}")
    if time is None:
        return Parts(*equal_chunks(np.arange(rows)), None, 1, np.zeros(rows, np.int64))
    seconds = seconds_of(time)
    if len(seconds) != rows:
        raise ValueError(f"{len(seconds)} times for {rows} rows: use one for each")
    chunks = windows(seconds, seconds_of_window(window)) if window else equal_chunks(np.argsort(seconds, kind="stable"))
    if season is None:
        return Parts(*chunks, None, 1, np.zeros(rows, np.int64))
    periods, period_of = SEASONS[season]
    period = period_of(seconds)
    if empty := periods - len(np.unique(period)):
        warnings.warn(f"{empty} of {periods} periods of season {season} have no row", stacklevel=3)
    return Parts(*chunks, season, periods, period)


def table(row: npt.NDArray[np.int64], rows: int, column: npt.NDArray[np.int64], columns: int) -> list[list[int]]:
    """How often each pair occurs, as a list of rows."""
    counts = np.bincount(row * columns + column, minlength=rows * columns).reshape(rows, columns)
    listed: list[list[int]] = counts.tolist()
    return listed
