"""Core ML in plain Python, one row at a time, written from Apple's specification and not from the converter."""

import math
import struct


def single(x):
    if math.isnan(x) or math.isinf(x):
        return x
    return struct.unpack("f", struct.pack("f", x))[0]


def tests_of(mode, x, v):
    return {0: x <= v, 1: x < v, 2: x >= v, 3: x > v, 4: x == v, 5: x != v}[mode]


def ensemble(spec, x):
    numbers = [n.branchFeatureValue for n in spec.nodes] + [e.evaluationValue for n in spec.nodes for e in n.evaluationInfo]
    if all(single(v) == v for v in numbers):
        x = [single(v) for v in x]
    sums = list(spec.basePredictionValue)
    for tree in {n.treeId for n in spec.nodes}:
        nodes = {n.nodeId: n for n in spec.nodes if n.treeId == tree}
        children = {c for n in nodes.values() if n.nodeBehavior != 6 for c in (n.trueChildNodeId, n.falseChildNodeId)}
        node = nodes[next(i for i in nodes if i not in children)]
        while node.nodeBehavior != 6:
            value = x[node.branchFeatureIndex]
            yes = (
                node.missingValueTracksTrueChild
                if math.isnan(value)
                else tests_of(node.nodeBehavior, value, node.branchFeatureValue)
            )
            node = nodes[node.trueChildNodeId if yes else node.falseChildNodeId]
        for e in node.evaluationInfo:
            sums[e.evaluationIndex] += e.evaluationValue
    return sums


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


def softmax(values):
    exps = [math.exp(v - max(values)) for v in values]
    return [e / sum(exps) for e in exps]


def classify_trees(model, x, classes):
    sums, transform = ensemble(model.treeEnsemble, x), model.postEvaluationTransform
    if transform == 3:
        return softmax([0.0, *sums])
    if len(sums) == 1 and classes == 2:
        p = sigmoid(sums[0]) if transform == 2 else sums[0]
        return [1 - p, p]
    return softmax(sums) if transform == 1 else sums


def predict(spec, row):
    """Return the prediction of a regressor or the scores of a classifier for `row`, a dict of features."""
    kind = spec.WhichOneof("Type")
    if kind.startswith("pipeline"):
        known = dict(row)
        pipeline = getattr(spec, kind)
        for model in (pipeline if kind == "pipeline" else pipeline.pipeline).models:
            result = predict(model, known)
            known[model.description.output[0].name] = result
        return result
    model = getattr(spec, kind)
    inputs = [row[f.name] for f in spec.description.input]
    if kind == "featureVectorizer":
        return [
            v
            for c in model.inputList
            for v in (row[c.inputColumn] if isinstance(row[c.inputColumn], list) else [row[c.inputColumn]])
        ]
    if kind == "oneHotEncoder":
        categories = getattr(model, model.WhichOneof("CategoryType")).vector
        return [1.0 if inputs[0] == c else 0.0 for c in categories]
    if kind == "categoricalMapping":
        table = getattr(model, model.WhichOneof("MappingType")).map
        return table[inputs[0]] if inputs[0] in table else getattr(model, model.WhichOneof("ValueOnUnknown"))
    x = [v for i in inputs for v in (i if isinstance(i, list) else [i])]
    if kind == "scaler":
        shift, scale = list(model.shiftValue), list(model.scaleValue)
        return [(scale[i % len(scale)]) * (v + shift[i % len(shift)]) for i, v in enumerate(x)]
    if kind == "imputer":
        values = list(model.imputedDoubleArray.vector)
        return [values[i] if math.isnan(v) else v for i, v in enumerate(x)]
    if kind == "arrayFeatureExtractor":
        return [x[i] for i in model.extractIndex]
    if kind == "normalizer":
        norm = sum(map(abs, x)) if model.normType == 1 else math.sqrt(sum(v * v for v in x))
        return [v / norm for v in x]
    if kind == "treeEnsembleRegressor":
        value = ensemble(model.treeEnsemble, x)[0]
        return sigmoid(value) if model.postEvaluationTransform == 2 else value
    if kind == "treeEnsembleClassifier":
        return classify_trees(model, x, len(getattr(model, model.WhichOneof("ClassLabels")).vector))
    terms = [sum(w * v for w, v in zip(r.value, x, strict=True)) + o for r, o in zip(model.weights, model.offset, strict=True)]
    if kind == "glmRegressor":
        return sigmoid(terms[0]) if model.postEvaluationTransform == 1 else terms[0]
    if model.classEncoding == 1 and len(terms) > 1:
        return [sigmoid(t) / sum(map(sigmoid, terms)) for t in terms]
    return softmax([0.0, *terms])
