"""Chunks: parts of the training data, which show how much their distribution varies."""

import warnings

import numpy as np
import numpy.typing as npt

# Chunks of the training data. With fewer chunks, or fewer rows in one, nobody can tell how much chunks vary.
MOST_CHUNKS = 50
FEWEST_CHUNKS = 10
FEWEST_ROWS = 100


def equal_chunks(order: npt.NDArray[np.int64]) -> tuple[int, npt.NDArray[np.int64]]:
    """The rows in this order, cut into chunks of about the same number of rows."""
    rows = len(order)
    chunks = min(MOST_CHUNKS, rows // FEWEST_ROWS)
    chunk = np.full(rows, -1)
    if chunks < FEWEST_CHUNKS:
        return 0, chunk
    chunk[order] = np.arange(rows) * chunks // rows
    return chunks, chunk


def windows(seconds: npt.NDArray[np.int64], length: int) -> tuple[int, npt.NDArray[np.int64]]:
    """A chunk for each window with enough rows. Of many, some that are evenly spread over the time."""
    window, rows = np.unique(seconds // length, return_counts=True)
    enough = window[rows >= FEWEST_ROWS]
    chunk = np.full(len(seconds), -1)
    if len(enough) < FEWEST_CHUNKS:
        warnings.warn(
            f"no chunks: only {len(enough)} windows have at least {FEWEST_ROWS} rows, {FEWEST_CHUNKS} are needed; use more"
            " rows or a longer window",
            stacklevel=4,
        )
        return 0, chunk
    if len(enough) > MOST_CHUNKS:
        enough = enough[np.linspace(0, len(enough) - 1, MOST_CHUNKS).round().astype(np.int64)]
    place = np.searchsorted(enough, seconds // length)
    found = enough[np.minimum(place, len(enough) - 1)] == seconds // length
    return len(enough), np.where(found, place, -1)
