"""The conversion: walks the elements of a document and writes the ONNX model."""

import json
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import TensorProto, helper

from understudy.convert.coreml import linear, trees
from understudy.convert.coreml.document import read
from understudy.convert.coreml.errors import Unsupported
from understudy.convert.coreml.features import inputs_of, type_of
from understudy.convert.coreml.graph import Graph, Prediction, Value, numeric
from understudy.convert.coreml.transforms import ELEMENTS, together, vectorizer

PIPELINES = {"pipeline", "pipelineClassifier", "pipelineRegressor"}
REGRESSORS = {"treeEnsembleRegressor": trees.regressor, "glmRegressor": linear.regressor}
CLASSIFIERS = {"treeEnsembleClassifier": trees.classifier, "glmClassifier": linear.classifier}
# Deeper and longer pipelines are attacks, not models.
MAX_DEPTH, MAX_ELEMENTS = 8, 1000
IR_VERSION = 8


@dataclass(frozen=True)
class Converted:
    """An ONNX model, and what a reader has to know about it."""

    model: onnx.ModelProto
    notes: tuple[str, ...]


@dataclass
class _Walk:
    graph: Graph
    elements: int = 0
    prediction: Prediction | None = None
    predicted: str = ""

    def element(self, model: Any, known: dict[str, Value], place: str, depth: int) -> dict[str, Value]:
        """Convert one element and return the features that it adds to those known."""
        kind = model.WhichOneof("Type")
        place = f"{place}{kind}"
        self.elements += 1
        if self.elements > MAX_ELEMENTS or depth > MAX_DEPTH:
            raise Unsupported(f"{place}: more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} levels of pipelines")
        if self.prediction is not None:
            raise Unsupported(f"{place}: an element after the classifier or regressor cannot be converted")
        inputs = self._inputs(model, known, place)
        body: Any = getattr(model, kind) if kind else None
        if kind in PIPELINES:
            return self._pipeline(model, body if kind == "pipeline" else body.pipeline, inputs, place, depth)
        if kind in REGRESSORS or kind in CLASSIFIERS:
            rows = together(self.graph, [numeric(v, place) for v in inputs.values()], place)
            self.prediction = (REGRESSORS.get(kind) or CLASSIFIERS[kind])(self.graph, body, rows, place)
            self.predicted = model.description.predictedFeatureName
            whole = [f for f in model.description.output if f.name == self.predicted and f.type.WhichOneof("Type") == "int64Type"]
            if kind in REGRESSORS and whole:
                raise Unsupported(f"{place}: output {self.predicted!r} is an integer; Core ML does not document how it rounds")
            return {}
        if kind == "featureVectorizer":
            value = vectorizer(self.graph, body, inputs, place)
        elif kind in ELEMENTS:
            value = ELEMENTS[kind](self.graph, body, list(inputs.values()), place)
        else:
            raise Unsupported(
                f"{place}: a model of this kind cannot be converted to ONNX with certainty; "
                "convert the original model, or serve this one by spec.runtime"
            )
        name, declared = self._output(model, value, place)
        return {name: Value(value.name, declared, value.width)}

    def _inputs(self, model: Any, known: dict[str, Value], place: str) -> dict[str, Value]:
        inputs = {}
        for feature in model.description.input:
            value = known.get(feature.name)
            if value is None or feature.name in inputs:
                raise Unsupported(f"{place}: input {feature.name!r} is given by no element before this one, or stands twice")
            if type_of(feature, place) != (value.type, value.width):
                raise Unsupported(f"{place}: input {feature.name!r} is declared otherwise than {value.type} of width {value.width}")
            inputs[feature.name] = value
        return inputs

    def _output(self, model: Any, value: Value, place: str) -> tuple[str, str]:
        if len(model.description.output) != 1:
            raise Unsupported(f"{place}: {len(model.description.output)} outputs; this element gives 1")
        feature = model.description.output[0]
        kind, width = type_of(feature, place)
        # One extracted value, or one scaled integer, may be declared as a number.
        scalar = value.width == 1 and {kind, value.type} <= {"double", "multiArray"}
        if width != value.width or (kind != value.type and not scalar):
            raise Unsupported(
                f"{place}: output {feature.name!r} is declared {kind} of width {width}; it is {value.type} {value.width}"
            )
        if kind == "multiArray" and feature.type.multiArrayType.dataType != 65600:
            raise Unsupported(
                f"{place}: output {feature.name!r} is not an array of doubles: rounding between elements is not known"
            )
        if kind == "int64" and model.WhichOneof("Type") == "scaler":
            raise Unsupported(f"{place}: output {feature.name!r} is an integer; Core ML fails on a lossy result, which ONNX cannot")
        return str(feature.name), kind

    def _pipeline(self, model: Any, pipeline: Any, inputs: dict[str, Value], place: str, depth: int) -> dict[str, Value]:
        known = dict(inputs)
        for i, part in enumerate(pipeline.models):
            known |= self.element(part, known, f"{place}.models[{i}].", depth + 1)
        outputs = {}
        for feature in model.description.output if self.prediction is None else ():
            if feature.name not in known:
                raise Unsupported(f"{place}: output {feature.name!r} is given by no element")
            outputs[feature.name] = known[feature.name]
        return outputs


def to_onnx(document: bytes) -> Converted:
    """Convert the content of an .mlmodel file to ONNX (opset 17, ai.onnx.ml 3).

    Inputs: one for each input feature. Numbers are double `["N", 1]`, strings `["N", 1]`, arrays `["N", size]` in their type.
    Outputs of a classifier: `label` `["N"]` (string or int64) and `probabilities` double `["N", classes]`, with the metadata
    property `labels`, a JSON list in the order of the columns. Output of a regressor: `prediction` double `["N", 1]`.

    Raises:
        Unsupported: the document is damaged, or an element cannot be converted with certainty.
    """
    model = read(document)
    graph = Graph()
    if model.WhichOneof("Type") not in PIPELINES | REGRESSORS.keys() | CLASSIFIERS.keys():
        raise Unsupported(
            f"the document holds a model of the kind {model.WhichOneof('Type')}, which cannot be converted to ONNX; "
            "convert the original model, or serve this one by spec.runtime"
        )
    infos, values = inputs_of(graph, model.description)
    walk = _Walk(graph)
    walk.element(model, values, "", 0)
    if walk.prediction is None:
        raise Unsupported("the pipeline has no classifier or regressor; its output is not a prediction")
    if walk.predicted != model.description.predictedFeatureName:
        raise Unsupported(
            f"description.predictedFeatureName is {model.description.predictedFeatureName!r}; "
            f"the classifier or regressor predicts {walk.predicted!r}"
        )
    converted = _write(graph, infos, walk.prediction)
    return Converted(converted, tuple(graph.notes))


def _write(graph: Graph, infos: list[onnx.ValueInfoProto], prediction: Prediction) -> onnx.ModelProto:
    names = [("prediction", prediction.main)]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, ["N", 1])]
    if prediction.probabilities is not None:
        element = TensorProto.STRING if isinstance(prediction.labels[0], str) else TensorProto.INT64
        names = [("label", prediction.main), ("probabilities", prediction.probabilities)]
        outputs = [
            helper.make_tensor_value_info("label", element, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["N", len(prediction.labels)]),
        ]
    taken = {info.name for info in infos} & {name for name, _ in names}
    if taken:
        raise Unsupported(f"description.input: the name {taken.pop()!r} is that of an output of the converted model")
    nodes = graph.nodes + [helper.make_node("Identity", [value], [name]) for name, value in names]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    built = helper.make_graph(nodes, "coreml", infos, outputs, graph.constants)
    model = helper.make_model(built, opset_imports=opsets, ir_version=IR_VERSION, producer_name="understudy")
    if prediction.labels:
        helper.set_model_props(model, {"labels": json.dumps(list(prediction.labels), ensure_ascii=False)})
    onnx.checker.check_model(model, full_check=True)
    return model
