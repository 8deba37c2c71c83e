#!/usr/bin/env python3
"""Pipelines of scikit-learn with one input for each column answer plain records as scikit-learn does: in one file, and with the
preparation of the columns as a graph before the model.
"""

import numpy
import pandas
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from report import Report
from server import Server

EXPECTED = {"pipelines served": 2, "predictions compared": 200}
# The server computes with 32 bits, scikit-learn with 64.
TOLERANCE = 1e-4


def table():
    """Numbers and strings, with classes that depend on both."""
    random = numpy.random.default_rng(7)
    frame = pandas.DataFrame({
        "age": random.integers(18, 90, 100).astype(numpy.float32),
        "amount": random.gamma(2, 100, 100).astype(numpy.float32),
        "country": random.choice(["NL", "DE", "Åland"], 100),
    })
    fraud = (frame["amount"] > 200) ^ (frame["country"] == "DE")
    return frame, numpy.where(fraud, "fraud", "fine")


def main():
    report = Report()
    frame, classes = table()
    preparation = ColumnTransformer([
        ("numbers", StandardScaler(), ["age", "amount"]),
        ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["country"]),
    ])
    pipeline = make_pipeline(preparation, LogisticRegression()).fit(frame, classes)
    columns = [
        ("age", FloatTensorType([None, 1])), ("amount", FloatTensorType([None, 1])), ("country", StringTensorType([None, 1])),
    ]
    whole = to_onnx(pipeline, initial_types=columns)
    before = to_onnx(pipeline[0], initial_types=columns)
    joined = before.graph.output[0].name
    prepared = pipeline[0].transform(frame).shape[1]
    behind = to_onnx(pipeline[1], initial_types=[(joined, FloatTensorType([None, prepared]))])
    for name, model, preprocessing in [("in one file", whole, []), ("with a graph before the model", behind, [before])]:
        files = [graph.SerializeToString() for graph in preprocessing]
        with Server(model.SerializeToString(), files) as server:
            report.count("pipelines served")
            compare(report, name, server.predict(frame.to_dict("records")), pipeline, frame)
    report.end(EXPECTED)


def compare(report, name, predictions, pipeline, frame):
    """Labels must be equal, and probabilities nearly."""
    expected = zip(pipeline.predict(frame), pipeline.predict_proba(frame), strict=True)
    for row, (prediction, (label, probabilities)) in enumerate(zip(predictions, expected, strict=True)):
        scores = prediction["output_probability"]
        same = prediction["output_label"] == label and list(scores) == list(pipeline.classes_) and numpy.allclose(
            list(scores.values()), probabilities, atol=TOLERANCE)
        if not same:
            report.failed(name, f"row {row}: {prediction}, expected {label} {probabilities}")
        report.count("predictions compared")


if __name__ == "__main__":
    main()
