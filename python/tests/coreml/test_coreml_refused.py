"""Documents that are refused: damaged, hostile, or of a meaning that nobody documents. The error names the place."""

import math
import random
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from coreml_documents import feature, pipeline
from coremltools.proto import Model_pb2

from understudy.convert.coreml import Unsupported, to_onnx

FIXTURES = Path(__file__).parent / "fixtures"


def trees():
    """Return a regressor of one tree: a branch 0 with the leaves 1 and 2."""
    spec = Model_pb2.Model(specificationVersion=1)
    feature(spec.description.input, "x", "double")
    feature(spec.description.output, "target", "double")
    spec.description.predictedFeatureName = "target"
    ensemble = spec.treeEnsembleRegressor.treeEnsemble
    ensemble.numPredictionDimensions = 1
    ensemble.basePredictionValue.append(0.0)
    ensemble.nodes.add(nodeId=0, branchFeatureValue=0.5, trueChildNodeId=1, falseChildNodeId=2)
    for node in (1, 2):
        ensemble.nodes.add(nodeId=node, nodeBehavior=6).evaluationInfo.add(evaluationValue=node)
    return spec, ensemble


def refused(spec, *words):
    with pytest.raises(Unsupported) as caught:
        to_onnx(spec.SerializeToString())
    for word in words:
        assert word in str(caught.value)


def edit(**fields):
    def change(spec, ensemble):
        for name, value in fields.items():
            setattr(ensemble.nodes[0], name, value)

    return change


TREES = {
    "a cycle": (edit(trueChildNodeId=0), "cycle"),
    "a child that does not exist": (edit(falseChildNodeId=9), "not a tree"),
    "one child twice": (edit(falseChildNodeId=1), "not a tree"),
    "a feature out of range": (edit(branchFeatureIndex=1), "branchFeatureIndex 1"),
    "a huge feature index": (edit(branchFeatureIndex=2**64 - 1), "branchFeatureIndex"),
    "a threshold that is NaN": (edit(branchFeatureValue=math.nan), "branchFeatureValue"),
    "an unknown branch mode": (edit(nodeBehavior=17), "unknown behaviour 17"),
    "the same node twice": (lambda s, e: e.nodes.add(nodeId=1, nodeBehavior=6), "two nodes 1"),
    "a leaf for a dimension that is not there": (
        lambda s, e: setattr(e.nodes[1].evaluationInfo[0], "evaluationIndex", 1),
        "node 1",
    ),
    "an infinite leaf": (lambda s, e: setattr(e.nodes[1].evaluationInfo[0], "evaluationValue", math.inf), "evaluationValue"),
    "two base values": (lambda s, e: e.basePredictionValue.append(1.0), "basePredictionValue"),
    "a billion dimensions": (lambda s, e: setattr(e, "numPredictionDimensions", 2**60), "dimensions"),
    "no nodes": (lambda s, e: e.ClearField("nodes"), "0 nodes"),
    "softmax in a regressor": (
        lambda s, e: setattr(s.treeEnsembleRegressor, "postEvaluationTransform", 1),
        "postEvaluationTransform",
    ),
    "an input called like an output": (lambda s, e: setattr(s.description.input[0], "name", "prediction"), "prediction"),
    "a newer specification": (lambda s, e: setattr(s, "specificationVersion", 99), "99"),
    "a dictionary as input": (
        lambda s, e: s.description.input[0].type.dictionaryType.stringKeyType.SetInParent(),
        "dictionaryType",
    ),
    "another predicted feature": (
        lambda s, e: (
            s.pipeline.models.append(Model_pb2.Model.FromString(s.SerializeToString())),
            setattr(s.description, "predictedFeatureName", "other"),
        ),
        "other",
    ),
    "a regressor that gives integers": (lambda s, e: s.description.output[0].type.int64Type.SetInParent(), "integer"),
    "a neural network": (lambda s, e: s.neuralNetwork.SetInParent(), "neuralNetwork"),
    "a program": (lambda s, e: s.mlProgram.SetInParent(), "mlProgram"),
    "no model": (lambda s, e: s.ClearField("treeEnsembleRegressor"), "None"),
}


def test_the_document_that_the_refusals_start_from_is_converted():
    spec, _ = trees()
    session = ort.InferenceSession(to_onnx(spec.SerializeToString()).model.SerializeToString())
    assert session.run(None, {"x": np.array([[0.0], [0.5], [0.6], [math.nan]])})[0].ravel().tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("case", TREES)
def test_a_document_is_refused_for(case):
    spec, ensemble = trees()
    change, word = TREES[case]
    change(spec, ensemble)
    refused(spec, word)


def test_a_pipeline_deeper_than_any_model_is_refused():
    spec, _ = trees()
    for _ in range(20):
        outer = Model_pb2.Model(specificationVersion=1, description=spec.description)
        outer.pipelineRegressor.pipeline.models.append(spec)
        spec = outer
    refused(spec, "levels of pipelines")


def test_small_tables_of_categories_cannot_fill_the_memory():
    spec = pipeline(random.Random(1))
    source = spec.pipeline.models[2]
    del source.oneHotEncoder.int64Categories.vector[:]
    source.oneHotEncoder.int64Categories.vector.extend(range(4096))
    source.description.output[0].type.multiArrayType.shape[0] = 4096
    for i in range(10):
        spec.pipeline.models.insert(i, source)
    refused(spec, "constants")


def test_an_element_without_its_input_is_named_with_its_place():
    spec = pipeline(random.Random(1))
    spec.pipeline.models[3].description.input[0].name = "nowhere"
    refused(spec, "models[3].featureVectorizer", "nowhere")


def test_an_unknown_category_stops_the_request_when_the_document_says_error():
    spec = pipeline(random.Random(1))
    spec.pipeline.models[0].oneHotEncoder.handleUnknown = 0
    session = ort.InferenceSession(to_onnx(spec.SerializeToString()).model.SerializeToString())
    row = {"x": [[1.0]], "y": [[1.0]], "count": [[5.0]], "row": [[1.0, 2.0, 3.0]]}
    row = {k: np.array(v) for k, v in row.items()}
    session.run(None, row | {"word": np.array([["red"]], dtype=object)})
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, row | {"word": np.array([["unseen"]], dtype=object)})


@pytest.mark.parametrize("name", ["forest_three", "logistic_three", "imputed"])
def test_a_damaged_document_is_converted_or_refused_and_never_fails_otherwise(name):
    whole, seed, refusals = (FIXTURES / f"{name}.mlmodel").read_bytes(), random.Random(7), 0
    for _ in range(150):
        damaged = bytearray(whole[: seed.choice([len(whole), seed.randrange(len(whole))])])
        for _ in range(seed.randrange(4)):
            if damaged:
                damaged[seed.randrange(len(damaged))] = seed.randrange(256)
        try:
            to_onnx(bytes(damaged))
        except Unsupported:
            refusals += 1
    assert refusals > 50
