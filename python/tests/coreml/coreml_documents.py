"""Documents of random models, made of Apple's messages."""

import math

import numpy as np
from coremltools.proto import Model_pb2

WORDS = ["red", "green", "blé", "a b"]


def feature(descriptions, name, kind, size=1):
    made = descriptions.add()
    made.name = name
    if kind == "array":
        made.type.multiArrayType.dataType = 65600
        made.type.multiArrayType.shape.append(size)
    else:
        getattr(made.type, f"{kind}Type").SetInParent()


def grow(seed, ensemble, tree, width, dimensions, values):
    """Add one random tree, its nodes in random order and with scattered ids."""
    ids = iter(seed.sample(range(10_000), 300))
    nodes = []

    def make(depth):
        node = type(ensemble.nodes.add())()
        del ensemble.nodes[-1]
        node.treeId, node.nodeId = tree, next(ids)
        if depth == 0 or seed.random() < 0.2:
            node.nodeBehavior = 6
            for d in range(dimensions):
                info = node.evaluationInfo.add()
                info.evaluationIndex, info.evaluationValue = d, values(seed)
        else:
            node.nodeBehavior = seed.randrange(6)
            node.branchFeatureIndex, node.branchFeatureValue = seed.randrange(width), values(seed)
            node.missingValueTracksTrueChild = seed.random() < 0.5
            node.trueChildNodeId, node.falseChildNodeId = make(depth - 1), make(depth - 1)
        nodes.append(node)
        return node.nodeId

    make(seed.randrange(6))
    seed.shuffle(nodes)
    ensemble.nodes.extend(nodes)


def labels(seed, model, count):
    if seed.random() < 0.5:
        model.stringClassLabels.vector.extend(f"class {i}" for i in range(count))
    else:
        model.int64ClassLabels.vector.extend(range(-1, count - 1))


def final(seed, spec, width):
    """Fill `spec` with a random regressor or classifier."""
    kind = seed.choice(["treeEnsembleRegressor", "treeEnsembleClassifier"] * 2 + ["glmRegressor", "glmClassifier"])
    model = getattr(spec, kind)
    model.SetInParent()
    classes = seed.choice([2, 3, 4])
    if kind.endswith("Classifier"):
        labels(seed, model, classes)
    if kind.startswith("tree"):
        choices = [(1, 0), (1, 2)]
        if kind.endswith("Classifier"):
            choices = [(classes, 0), (classes, 1), (classes - 1, 3)] + (choices if classes == 2 else [])
        dimensions, model.postEvaluationTransform = seed.choice(choices)
        values = seed.choice([lambda s: s.choice([-1.5, -0.5, 0.0, 0.25, 1.0, 2.0]), lambda s: round(s.gauss(0, 1), 1)])
        model.treeEnsemble.numPredictionDimensions = dimensions
        model.treeEnsemble.basePredictionValue.extend(seed.gauss(0, 1) for _ in range(dimensions))
        for tree in range(seed.randrange(1, 6)):
            grow(seed, model.treeEnsemble, tree * 7, width, dimensions, values)
    else:
        rows = 1
        if kind == "glmClassifier":
            model.classEncoding = seed.randrange(2)
            rows = classes if model.classEncoding == 1 and classes > 2 else classes - 1
        else:
            model.postEvaluationTransform = seed.randrange(2)
        for _ in range(rows):
            model.weights.add().value.extend(seed.gauss(0, 1) for _ in range(width))
            model.offset.append(seed.gauss(0, 1))
    spec.description.predictedFeatureName = "target"
    feature(spec.description.output, "target", "double" if kind.endswith("Regressor") else "string")


def pipeline(seed):
    """Return a pipeline over two numbers, a word, an integer and an array, and the rows to ask it."""
    spec = Model_pb2.Model(specificationVersion=4)
    given = {"x": ("double", 1), "y": ("double", 1), "word": ("string", 1), "count": ("int64", 1), "row": ("array", 3)}
    for name, (kind, size) in given.items():
        feature(spec.description.input, name, kind, size)
    models = spec.pipeline.models

    def element(kind, inputs, output):
        made = models.add(specificationVersion=4)
        getattr(made, kind).SetInParent()
        for name, (type_, size) in inputs.items():
            feature(made.description.input, name, type_, size)
        feature(made.description.output, *output)
        return getattr(made, kind)

    onehot = element("oneHotEncoder", {"word": ("string", 1)}, ("hot", "array", 4))
    onehot.stringCategories.vector.extend(WORDS)
    onehot.handleUnknown = 1
    mapping = element("categoricalMapping", {"word": ("string", 1)}, ("code", "int64"))
    mapping.stringToInt64Map.map.update({w: i * 3 for i, w in enumerate(WORDS)})
    mapping.int64Value = -7
    counts = element("oneHotEncoder", {"count": ("int64", 1)}, ("counts", "array", 3))
    counts.int64Categories.vector.extend([5, 0, -2])
    counts.handleUnknown = 1
    parts = {
        "x": ("double", 1),
        "y": ("double", 1),
        "row": ("array", 3),
        "hot": ("array", 4),
        "code": ("int64", 1),
        "counts": ("array", 3),
    }
    vector = element("featureVectorizer", parts, ("all", "array", 13))
    for name in seed.sample(sorted(parts), len(parts)):
        vector.inputList.add(inputColumn=name, inputDimensions=parts[name][1])
    last, width = "all", 13
    for i, kind in enumerate(seed.sample(["imputer", "scaler", "arrayFeatureExtractor"], seed.randrange(4))):
        size = seed.randrange(1, 9) if kind == "arrayFeatureExtractor" else width
        made = element(kind, {last: ("array", width)}, (f"step {i}", "array", size))
        if kind == "imputer":
            made.replaceDoubleValue = math.nan
            made.imputedDoubleArray.vector.extend(seed.gauss(0, 1) for _ in range(width))
        elif kind == "scaler":
            made.shiftValue.extend(seed.gauss(0, 1) for _ in range(seed.choice([1, width])))
            made.scaleValue.extend(seed.gauss(0, 1) for _ in range(seed.choice([1, width])))
        else:
            made.extractIndex.extend(seed.randrange(width) for _ in range(size))
        last, width = f"step {i}", size
    predictor = models.add(specificationVersion=4)
    feature(predictor.description.input, last, "array", width)
    final(seed, predictor, width)
    spec.description.predictedFeatureName = "target"
    return spec


def rows(seed, count):
    """Return rows with missing values, values at and beside thresholds, and unseen categories."""

    def number():
        v = seed.choice([seed.gauss(0, 1), seed.choice([-1.5, -0.5, 0.0, 0.25, 1.0, 2.0]), round(seed.gauss(0, 1), 1)])
        beside = [float(np.nextafter(v, -9)), float(np.nextafter(v, 9)), v + 1e-9, v - 1e-9]
        return seed.choice([v, v, seed.choice(beside), math.nan])

    return [
        {
            "x": number(),
            "y": number(),
            "word": seed.choice([*WORDS, "unseen", ""]),
            "count": seed.choice([5, 0, -2, 99]),
            "row": [number() for _ in range(3)],
        }
        for _ in range(count)
    ]
