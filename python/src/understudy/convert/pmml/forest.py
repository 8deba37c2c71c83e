"""Any number of trees as one operator: it gives the number of the leaf of each tree, and a table gives the results of leaves.

TreeEnsembleRegressor computes in double precision where thresholds are doubles, but its output is of single precision. The
number of a leaf is exact in it; the results come from a table of doubles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto, numpy_helper

from .document import Element
from .graph import INT64, ML
from .outcome import Target
from .refusal import unsupported
from .scope import Scope
from .sets import SetColumns
from .tree import Branch, Leaf, Results, TreeReader

MAX_LEAVES = 2**24
"""Leaves of one tree: the largest whole number up to which single precision is exact."""

MAX_TESTS = 500
"""Tests between the root of a tree and a leaf. ONNX Runtime loads trees by recursion: 20,000 tests overflow a stack of 8 MiB, and
threads of servers have 2 MiB."""


@dataclass
class _Nodes:
    """The attributes of the operator, one item for each node."""

    tree: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    mode: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    true: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    missing_true: list[int] = field(default_factory=list)
    leaf_tree: list[int] = field(default_factory=list)
    leaf_node: list[int] = field(default_factory=list)
    leaf_row: list[float] = field(default_factory=list)

    def add(self, tree: int, node: int, feature: int, mode: str, value: float, missing_true: bool) -> int:
        self.tree.append(tree)
        self.node.append(node)
        self.feature.append(feature)
        self.mode.append(mode)
        self.value.append(value)
        self.true.append(0)
        self.false.append(0)
        self.missing_true.append(int(missing_true))
        return len(self.tree) - 1


class Forest:
    """Trees that are evaluated together."""

    def __init__(self, scope: Scope, target: Target) -> None:
        self._scope = scope
        self._target = target
        self._results = Results([], [])
        self._nodes = _Nodes()
        self._columns: dict[str, int] = {}
        self._sets = SetColumns(scope.context.graph)
        self._starts: list[int] = []

    def add(self, model: Element, scope: Scope, target: Target) -> None:
        """Read one more tree. `scope` is that of its model."""
        self._starts.append(len(self._results.values))
        branch = TreeReader(model, scope, target, self._results, self._sets).read()
        if len(self._results.values) - self._starts[-1] > MAX_LEAVES:
            raise unsupported(model, "the tree has too many leaves")
        self._emit(model, branch, len(self._starts) - 1)

    def _emit(self, model: Element, root: Branch, tree: int) -> None:
        nodes = self._nodes
        waiting: list[tuple[Branch, int, bool, int]] = [(root, -1, False, 0)]
        count = 0
        while waiting:
            branch, parent, is_true, depth = waiting.pop()
            if depth > MAX_TESTS:
                raise unsupported(model, f"a way through the tree has more than {MAX_TESTS} tests; nodes have too many children")
            if isinstance(branch, Leaf):
                index = nodes.add(tree, count, 0, "LEAF", 0.0, False)
                nodes.leaf_tree.append(tree)
                nodes.leaf_node.append(count)
                nodes.leaf_row.append(float(branch.row))
            else:
                feature = self._columns.setdefault(branch.column, len(self._columns))
                index = nodes.add(tree, count, feature, branch.mode, branch.number, branch.missing_true)
                waiting.append((branch.when_false, index, False, depth + 1))
                waiting.append((branch.when_true, index, True, depth + 1))
            if parent >= 0:
                (nodes.true if is_true else nodes.false)[parent] = count
            count += 1

    @property
    def classes(self) -> tuple[float, ...]:
        """The classes that the trees name, those of the dictionary first."""
        named: dict[float, None] = dict.fromkeys(self._target.classes())
        for value, probabilities in zip(self._results.values, self._results.probabilities, strict=True):
            named.update(dict.fromkeys(probabilities))
            if not np.isnan(value):
                named.setdefault(value)
        return tuple(named)

    @property
    def has_probabilities(self) -> bool:
        """Whether all leaves with a class have probabilities."""
        pairs = zip(self._results.values, self._results.probabilities, strict=True)
        return all(bool(probabilities) for value, probabilities in pairs if not np.isnan(value))

    def values(self) -> str:
        """Return the predicted numbers or classes of the trees, `[N, trees]`."""
        graph = self._scope.context.graph
        return graph.op("Gather", graph.constant(self._results.values), self._rows(), axis=0)

    def probabilities(self, classes: tuple[float, ...]) -> str:
        """Return the probabilities of the trees, `[N, trees, classes]`; 0 for a class that a leaf does not name."""
        graph = self._scope.context.graph
        table = [
            [probabilities.get(class_, 0.0) for class_ in classes] if probabilities else [np.nan] * len(classes)
            for probabilities in self._results.probabilities
        ]
        return graph.op("Gather", graph.constant(table), self._rows(), axis=0)

    def _rows(self) -> str:
        """Return the rows of the table of results, `[N, trees]`."""
        graph = self._scope.context.graph
        starts = graph.integers([self._starts])
        if not self._columns:
            zeros = graph.op("Expand", graph.integers(0), graph.rows)
            only = np.asarray([self._nodes.leaf_row], np.int64)
            return graph.op("Add", graph.op("Add", zeros, graph.integers(only)), starts)
        nodes = self._nodes
        trees = len(self._starts)

        features, order = self._features()
        leaves = graph.op(
            "TreeEnsembleRegressor",
            features,
            domain=ML,
            n_targets=trees,
            aggregate_function="SUM",
            post_transform="NONE",
            nodes_treeids=tuple(nodes.tree),
            nodes_nodeids=tuple(nodes.node),
            nodes_featureids=tuple(order[feature] for feature in nodes.feature),
            nodes_modes=tuple(nodes.mode),
            nodes_values_as_tensor=_doubles("nodes_values", nodes.value),
            nodes_hitrates_as_tensor=_doubles("nodes_hitrates", [1.0] * len(nodes.value)),
            nodes_truenodeids=tuple(nodes.true),
            nodes_falsenodeids=tuple(nodes.false),
            nodes_missing_value_tracks_true=tuple(nodes.missing_true),
            target_treeids=tuple(nodes.leaf_tree),
            target_nodeids=tuple(nodes.leaf_node),
            target_ids=tuple(nodes.leaf_tree),
            target_weights_as_tensor=_doubles("target_weights", nodes.leaf_row),
            base_values_as_tensor=_doubles("base_values", [0.0] * trees),
        )
        return graph.op("Add", graph.cast(leaves, INT64), starts)

    def _features(self) -> tuple[str, list[int]]:
        """Return the columns that the trees test, side by side, and where each of them is."""
        tensors: list[str] = []
        order = [0] * len(self._columns)
        blocks: dict[str, list[tuple[int, int]]] = {}
        for column, number in self._columns.items():
            place = self._sets.place(column)
            if place is None:
                order[number] = len(tensors)
                tensors.append(column)
            else:
                blocks.setdefault(place[0], []).append((number, place[1]))
        start = len(tensors)
        for tensor, members in blocks.items():
            block, width = self._sets.block(tensor)
            tensors.append(block)
            for number, index in members:
                order[number] = start + index
            start += width
        return self._scope.context.graph.op("Concat", *tensors, axis=1), order


def _doubles(name: str, numbers: list[float]) -> TensorProto:
    return numpy_helper.from_array(np.asarray(numbers, np.float64), name)
