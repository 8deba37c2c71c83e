"""The thresholds of trees that compare in 64 bits. Converters write 32 bits, so a value next to a threshold takes the other branch."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

CLOSE = 1e-6
"""A converted threshold is at most this far from its original, as a part of it."""
NUMBERS = ("nodes_values", "base_values", "nodes_hitrates", "class_weights", "target_weights")
"""Attributes with numbers. ONNX Runtime wants all of them with 64 bits, or none."""


def exact(node: Any, model: Any) -> bool:
    """Gives the node of a tree ensemble the model's own thresholds, if each of them is found. Returns whether it did.

    Afterwards the node takes 64-bit numbers. Its weights keep their values, and it still answers with 32 bits.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    attributes = {attribute.name: attribute for attribute in node.attribute}
    originals: dict[tuple[int, int], list[float]] = defaultdict(list)
    for tree, feature, threshold in _thresholds(model):
        originals[tree, feature].append(threshold)
    values = []
    trees, features, modes = (attributes[f"nodes_{each}"] for each in ("treeids", "featureids", "modes"))
    for tree, feature, mode, value in zip(trees.ints, features.ints, modes.strings, attributes["nodes_values"].floats, strict=True):
        # A split at infinity separates the missing values from all others.
        if mode not in (b"LEAF", b"BRANCH_EQ") and math.isfinite(value):
            near = min(originals[tree, feature], key=lambda each: abs(each - value), default=float("inf"))
            if not abs(near - value) <= CLOSE * max(abs(value), 1e-30):
                return False
            value = near
        values.append(value)
    for name in NUMBERS:
        if name in attributes:
            numbers = values if name == "nodes_values" else list(attributes[name].floats)
            node.attribute.remove(attributes[name])
            tensor = numpy_helper.from_array(np.array(numbers, dtype=np.float64), name)
            node.attribute.append(helper.make_attribute(f"{name}_as_tensor", tensor))
    return True


def _thresholds(model: Any) -> Iterator[tuple[int, int, float]]:
    """The tree, the feature and the threshold of each split on a number."""
    if hasattr(model, "_predictors"):
        predictors = [predictor for iteration in model._predictors for predictor in iteration]
        for tree, predictor in enumerate(predictors):
            for node in predictor.nodes:
                if not node["is_leaf"] and not node["is_categorical"]:
                    yield tree, int(node["feature_idx"]), float(node["num_threshold"])
    elif hasattr(model, "booster_"):
        for tree, dumped in enumerate(model.booster_.dump_model()["tree_info"]):
            waiting = [dumped["tree_structure"]]
            while waiting:
                node = waiting.pop()
                if "split_feature" not in node:
                    continue
                waiting += [node["left_child"], node["right_child"]]
                if node["decision_type"] == "<=":
                    yield tree, int(node["split_feature"]), float(node["threshold"])
