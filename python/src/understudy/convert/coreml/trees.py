"""Tree ensembles: `treeEnsembleRegressor` and `treeEnsembleClassifier`.

Apple's specification gives thresholds as doubles. coremltools' XGBoost converter documents that Core ML's compiler compares
in float32 when it finds that all numbers of the ensemble are float32 numbers. This converter follows that.
"""

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from understudy.convert.coreml.classes import binary, decide, labels_of, zero_reference
from understudy.convert.coreml.errors import Unsupported
from understudy.convert.coreml.graph import Graph, Prediction, Value, finite

MAX_NODES = 5_000_000
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "LEAF")
LEAF = 6
NOT_EQUAL = 5
NO_TRANSFORM, SOFTMAX, LOGISTIC, ZERO_REFERENCE = range(4)


def _ordered(nodes: dict[int, Any], place: str) -> list[Any]:
    """Return the nodes of one tree from its root down, after a check that they are one tree."""
    children = [c for n in nodes.values() if n.nodeBehavior != LEAF for c in (n.trueChildNodeId, n.falseChildNodeId)]
    roots = nodes.keys() - set(children)
    if len(set(children)) != len(children) or len(roots) != 1:
        raise Unsupported(f"{place}: not a tree: {len(roots)} roots, {len(children) - len(set(children))} nodes with two parents")
    order, open_ids = [], [next(iter(roots))]
    while open_ids:
        node = nodes.get(open_ids.pop())
        if node is None:
            raise Unsupported(f"{place}: a branch names a child that does not exist")
        order.append(node)
        if node.nodeBehavior != LEAF:
            open_ids += [node.falseChildNodeId, node.trueChildNodeId]
    if len(order) != len(nodes):
        raise Unsupported(f"{place}: {len(nodes) - len(order)} nodes cannot be reached from the root (a cycle)")
    return order


def _trees(parameters: Any, place: str) -> list[list[Any]]:
    if not 1 <= len(parameters.nodes) <= MAX_NODES:
        raise Unsupported(f"{place}.nodes: {len(parameters.nodes)} nodes; 1 to {MAX_NODES} can be converted")
    trees: dict[int, dict[int, Any]] = {}
    for node in parameters.nodes:
        tree = trees.setdefault(node.treeId, {})
        if node.nodeId in tree:
            raise Unsupported(f"{place}: tree {node.treeId} has two nodes {node.nodeId}")
        if not 0 <= node.nodeBehavior <= LEAF:
            raise Unsupported(f"{place}: tree {node.treeId} node {node.nodeId}: unknown behaviour {node.nodeBehavior}")
        tree[node.nodeId] = node
    return [_ordered(nodes, f"{place}: tree {tree}") for tree, nodes in trees.items()]


def _compares_in_float(parameters: Any) -> bool:
    numbers = [n.branchFeatureValue for n in parameters.nodes if n.nodeBehavior != LEAF]
    numbers += [e.evaluationValue for n in parameters.nodes for e in n.evaluationInfo]
    array = np.asarray(numbers, dtype=np.float64)
    with np.errstate(over="ignore"):
        return bool((array.astype(np.float32).astype(np.float64) == array).all())


def scores(graph: Graph, parameters: Any, rows: Value, place: str) -> str:
    """Add the ensemble and return its raw scores `[N, numPredictionDimensions]` as double."""
    dimensions = parameters.numPredictionDimensions
    base = finite(list(parameters.basePredictionValue), f"{place}.basePredictionValue")
    if len(base) != dimensions or not dimensions:
        raise Unsupported(f"{place}.basePredictionValue: {len(base)} values for {dimensions} prediction dimensions")
    columns: dict[str, list[Any]] = {k: [] for k in ("tree", "id", "feature", "mode", "value", "yes", "no", "missing")}
    leaves: list[tuple[int, int, int, float]] = []
    for tree, order in enumerate(_trees(parameters, place)):
        ids = {node.nodeId: i for i, node in enumerate(order)}
        for node in order:
            where = f"{place}: tree {node.treeId} node {node.nodeId}"
            mode, yes, no, missing = node.nodeBehavior, 0, 0, node.missingValueTracksTrueChild
            if mode == LEAF:
                for e in node.evaluationInfo:
                    if e.evaluationIndex >= dimensions:
                        raise Unsupported(f"{where}: evaluationIndex {e.evaluationIndex}; there are {dimensions} dimensions")
                    leaves.append((tree, ids[node.nodeId], e.evaluationIndex, e.evaluationValue))
                if not node.evaluationInfo:  # ONNX needs a weight for each leaf.
                    leaves.append((tree, ids[node.nodeId], 0, 0.0))
            else:
                if node.evaluationInfo:
                    raise Unsupported(f"{where}: a branch has evaluationInfo")
                if node.branchFeatureIndex >= rows.width:
                    raise Unsupported(f"{where}: branchFeatureIndex {node.branchFeatureIndex}; there are {rows.width} features")
                yes, no = ids[node.trueChildNodeId], ids[node.falseChildNodeId]
                if mode == NOT_EQUAL:  # NaN != x is true in ONNX Runtime; in Core ML the flag alone decides.
                    mode, yes, no, missing = mode - 1, no, yes, not missing
            features = 0 if mode == LEAF else node.branchFeatureIndex
            threshold = 0.0 if mode == LEAF else node.branchFeatureValue
            line = (tree, ids[node.nodeId], features, MODES[mode], threshold, yes, no, int(missing))
            for column, cell in zip(columns.values(), line, strict=True):
                column.append(cell)
    finite(columns["value"], f"{place}: branchFeatureValue")
    weights = finite([leaf[3] for leaf in leaves], f"{place}: evaluationValue")
    x = rows.name
    if _compares_in_float(parameters):
        x = graph.cast(graph.cast(x, TensorProto.FLOAT), TensorProto.DOUBLE)
        graph.note("the trees compare in float32: all their numbers are float32 numbers, which Core ML's compiler detects")
    raw = graph.add(
        "TreeEnsembleRegressor", x, domain="ai.onnx.ml", n_targets=dimensions, aggregate_function="SUM", post_transform="NONE",
        nodes_treeids=columns["tree"], nodes_nodeids=columns["id"], nodes_featureids=columns["feature"],
        nodes_modes=columns["mode"], nodes_truenodeids=columns["yes"], nodes_falsenodeids=columns["no"],
        nodes_missing_value_tracks_true=columns["missing"],
        nodes_values_as_tensor=_doubles("values", columns["value"]),
        nodes_hitrates_as_tensor=_doubles("hitrates", [1.0] * len(columns["value"])),
        base_values_as_tensor=_doubles("base", base),
        target_treeids=[leaf[0] for leaf in leaves], target_nodeids=[leaf[1] for leaf in leaves],
        target_ids=[leaf[2] for leaf in leaves], target_weights_as_tensor=_doubles("weights", weights),
    )  # fmt: skip
    graph.note("ONNX gives the sum of the trees as float32: answers are exact to about 7 digits")
    return graph.cast(raw, TensorProto.DOUBLE)


def _doubles(name: str, values: Any) -> Any:
    return helper.make_tensor(name, TensorProto.DOUBLE, [len(values)], values)


def regressor(graph: Graph, model: Any, rows: Value, place: str) -> Prediction:
    """Convert a `treeEnsembleRegressor`."""
    if model.treeEnsemble.numPredictionDimensions != 1:
        raise Unsupported(f"{place}: {model.treeEnsemble.numPredictionDimensions} prediction dimensions; 1 can be converted")
    if model.postEvaluationTransform not in (NO_TRANSFORM, LOGISTIC):
        raise Unsupported(f"{place}.postEvaluationTransform: {model.postEvaluationTransform} has no meaning for a regressor")
    raw = scores(graph, model.treeEnsemble, rows, f"{place}.treeEnsemble")
    return Prediction(graph.add("Sigmoid", raw) if model.postEvaluationTransform == LOGISTIC else raw)


def classifier(graph: Graph, model: Any, rows: Value, place: str) -> Prediction:
    """Convert a `treeEnsembleClassifier`. One score for two classes is that of the second class, as coremltools writes it."""
    labels = labels_of(model, place)
    dimensions, transform = model.treeEnsemble.numPredictionDimensions, model.postEvaluationTransform
    allowed = {len(labels): (NO_TRANSFORM, SOFTMAX), len(labels) - 1: (ZERO_REFERENCE,)}
    if len(labels) == 2:
        allowed[1] = (NO_TRANSFORM, LOGISTIC, ZERO_REFERENCE)
    if transform not in allowed.get(dimensions, ()):
        raise Unsupported(
            f"{place}.postEvaluationTransform: {transform} with {dimensions} dimensions for {len(labels)} classes "
            "has no documented meaning; convert the original model"
        )
    raw = scores(graph, model.treeEnsemble, rows, f"{place}.treeEnsemble")
    if transform == ZERO_REFERENCE:
        return decide(graph, zero_reference(graph, raw), labels)
    if dimensions == 1:
        return decide(graph, binary(graph, graph.add("Sigmoid", raw) if transform == LOGISTIC else raw), labels)
    if transform == SOFTMAX:
        return decide(graph, graph.add("Softmax", raw, axis=1), labels)
    graph.note(
        "the document has no transform: `probabilities` are the sums of the trees, as Core ML gives them, and may not add up to 1 "
        "(apple/coremltools #1541, for a forest of scikit-learn)"
    )
    return decide(graph, raw, labels)
