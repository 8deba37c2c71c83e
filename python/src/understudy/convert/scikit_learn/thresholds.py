"""The thresholds of trees. They have 64 bits, and converters round them to 32, so a value next to one takes the other branch."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

CLOSE = 1e-6
"""A converted threshold is at most this far from its original, as a part of it."""
TINY = 1e-44
"""About the smallest number of 32 bits. LightGBM has thresholds of 1e-35 on both sides of zero."""
ZERO = 1.0000000180025095e-35
"""Numbers up to this one are zero for LightGBM: 1e-35 with 32 bits."""
NUMBERS = ("nodes_values", "base_values", "nodes_hitrates", "class_weights", "target_weights")
"""Attributes with numbers. ONNX Runtime wants all of them with 64 bits, or none."""


def in_double(node: Any, model: Any) -> bool:
    """Gives the node of a tree ensemble the model's own thresholds, if each of them is found. Returns whether it did.

    Afterwards the node takes 64-bit numbers. Its weights keep their values, and it still answers with 32 bits.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    values = _values(node, model)
    if values is None:
        return False
    attributes = {attribute.name: attribute for attribute in node.attribute}
    for name in NUMBERS:
        if name in attributes:
            numbers = values if name == "nodes_values" else list(attributes[name].floats)
            node.attribute.remove(attributes[name])
            tensor = numpy_helper.from_array(np.array(numbers, dtype=np.float64), name)
            node.attribute.append(helper.make_attribute(f"{name}_as_tensor", tensor))
    return True


def in_single(node: Any, model: Any) -> None:
    """Rounds each threshold down to 32 bits, where a converter rounds to the nearest number. Of two numbers of 32 bits, both are then
    on the same sides as of the threshold with 64 bits: `x <= threshold` has the same answer for each of them.
    """
    import numpy as np

    values = _values(node, model)
    if values is None:
        return
    nearest = np.array(values, dtype=np.float64).astype(np.float32)
    below = np.where(nearest.astype(np.float64) > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    for attribute in node.attribute:
        if attribute.name == "nodes_values":
            attribute.floats[:] = below.tolist()
    _follow_missing(node, _trees(model))


def _follow_missing(node: Any, trees: list[Any]) -> None:
    """Sends missing numbers to the branch that the original sends them to. Converters send them to the right."""
    import numpy as np
    from onnx import helper

    attributes = {attribute.name: attribute for attribute in node.attribute}
    left = []
    numbers, places, features = (attributes[f"nodes_{each}"].ints for each in ("treeids", "nodeids", "featureids"))
    for number, place, feature, mode in zip(numbers, places, features, attributes["nodes_modes"].strings, strict=True):
        if number >= len(trees) or place >= trees[number].tree_.node_count:
            return
        tree = trees[number].tree_
        if mode != b"LEAF" and tree.feature[place] != feature:
            # The nodes have other numbers than in the original.
            return
        left.append(int(mode != b"LEAF" and bool(np.asarray(tree.missing_go_to_left)[place])))
    name = "nodes_missing_value_tracks_true"
    if name in attributes:
        node.attribute.remove(attributes[name])
    node.attribute.append(helper.make_attribute(name, left))


def _trees(model: Any) -> list[Any]:
    """The trees of scikit-learn's forests, in the order of their conversion."""
    import numpy as np

    return [model] if hasattr(model, "tree_") else list(np.ravel(model.estimators_))


def _values(node: Any, model: Any) -> list[float] | None:
    """The value of each node, with the original thresholds. `None` if one of them is not found."""
    attributes = {attribute.name: attribute for attribute in node.attribute}
    at_node: dict[tuple[int, int, int], float] = {}
    of_feature: dict[tuple[int, int], list[float]] = defaultdict(list)
    for tree, place, feature, threshold in _splits(model):
        at_node[tree, place, feature] = threshold
        of_feature[tree, feature].append(threshold)
    values = []
    trees, places, features = (attributes[f"nodes_{each}"].ints for each in ("treeids", "nodeids", "featureids"))
    modes = attributes["nodes_modes"].strings
    for tree, place, feature, mode, value in zip(trees, places, features, modes, attributes["nodes_values"].floats, strict=True):
        # A split at infinity separates the missing values from all others.
        if mode not in (b"LEAF", b"BRANCH_EQ") and math.isfinite(value):
            # Some converters give nodes other numbers. Then it is the nearest threshold of the same tree and feature.
            nearest = min(of_feature[tree, feature], key=lambda each: abs(each - value), default=math.inf)
            found = next(
                (each for each in (at_node.get((tree, place, feature)), nearest) if each is not None and _is_close(each, value)),
                None,
            )
            if found is None:
                return None
            value = found
        values.append(value)
    return values


def _is_close(threshold: float, converted: float) -> bool:
    return abs(threshold - converted) <= CLOSE * max(abs(converted), TINY)


def _splits(model: Any) -> Iterator[tuple[int, int, int, float]]:
    """The tree, the node, the feature and the threshold of each split on a number."""
    if hasattr(model, "_predictors"):
        predictors = [predictor for iteration in model._predictors for predictor in iteration]
        for tree, predictor in enumerate(predictors):
            for place, node in enumerate(predictor.nodes):
                if not node["is_leaf"] and not node["is_categorical"]:
                    yield tree, place, int(node["feature_idx"]), float(node["num_threshold"])
    elif hasattr(model, "tree_") or hasattr(model, "estimators_"):
        for number, tree in enumerate(_trees(model)):
            for place, (feature, threshold) in enumerate(zip(tree.tree_.feature, tree.tree_.threshold, strict=True)):
                if feature >= 0:
                    yield number, place, int(feature), float(threshold)
    elif hasattr(model, "booster_"):
        for number, dumped in enumerate(model.booster_.dump_model()["tree_info"]):
            waiting = [dumped["tree_structure"]]
            while waiting:
                node = waiting.pop()
                if "split_feature" not in node:
                    continue
                waiting += [node["left_child"], node["right_child"]]
                if node["decision_type"] == "<=":
                    # The converter numbers nodes in another way.
                    threshold = float(node["threshold"])
                    # LightGBM takes this number for zero, which is on the other side of it.
                    threshold = math.nextafter(threshold, -math.inf) if threshold == -ZERO else threshold
                    yield number, -1, int(node["split_feature"]), threshold
