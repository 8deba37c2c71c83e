"""Membership in sets, for trees: all sets that are about one column are looked up together, however many nodes test them."""

from __future__ import annotations

import numpy as np

from .graph import DOUBLE, FLOAT, Graph


class SetColumns:
    """Columns that are 1 where a value is in a set, 0 where it is not, and NaN where it is missing."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._sets: dict[str, dict[tuple[float, ...], str]] = {}
        self._places: dict[str, tuple[str, int]] = {}

    def column(self, tensor: str, members: tuple[float, ...]) -> str:
        """Return the name of a column. It is not a tensor: `block` makes all columns of one tensor."""
        sets = self._sets.setdefault(tensor, {})
        if members not in sets:
            sets[members] = f"set {len(sets)} of {tensor}"
            self._places[sets[members]] = (tensor, len(sets) - 1)
        return sets[members]

    def place(self, column: str) -> tuple[str, int] | None:
        """Return the tensor that a column is about, and its number in the block; None if it is not a column of a set."""
        return self._places.get(column)

    def block(self, tensor: str) -> tuple[str, int]:
        """Return the columns of all sets about a tensor, `[N, sets]`, and their number."""
        graph = self._graph
        sets = list(self._sets[tensor])
        values = sorted({number for members in sets for number in members})
        table = np.zeros((len(values), len(sets)), np.float32)
        for index, members in enumerate(sets):
            table[np.searchsorted(values, members), index] = 1.0
        equal = graph.cast(graph.op("Equal", tensor, graph.constant([values])), FLOAT)
        found = graph.cast(graph.op("MatMul", equal, graph.constant(table, np.float32)), DOUBLE)
        return graph.op("Where", graph.op("IsNaN", tensor), graph.constant(np.nan), found), len(sets)
