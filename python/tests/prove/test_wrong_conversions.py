"""A conversion that is wrong is caught, whatever is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from understudy.convert import convert
from understudy.convert.converted import Converted
from understudy.convert.scikit_learn import operators, original
from understudy.prove import prove
from understudy.prove.cause import likely_cause
from understudy.table import frame_of, inputs_of


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


def plainly(model, rows) -> Converted:
    """The conversion that everybody does: numbers with 32 bits in front of everything."""
    narrow = rows.astype(np.float32)
    operators.register(model)
    graph = to_onnx(model, narrow[:1], options={id(model): {"zipmap": False}}, target_opset={"": 17, "ai.onnx.ml": 3})
    graph.graph.input[0].name = "features"
    for node in graph.graph.node:
        node.input[:] = ["features" if each == "X" else each for each in node.input]
    return Converted(original.of(model, inputs_of(rows)), graph, inputs_of(narrow))


@pytest.mark.parametrize(
    "model",
    [XGBClassifier(n_estimators=100, max_depth=6), HistGradientBoostingClassifier(), RandomForestClassifier(100, random_state=0)],
    ids=lambda model: type(model).__name__,
)
def test_32_bits_in_front_of_a_scaler_and_trees_are_caught(model, cancer):
    rows, truth = cancer
    pipeline = make_pipeline(StandardScaler(), model).fit(rows, truth)
    wrong = plainly(pipeline, rows)
    report = prove(wrong, frame_of(rows)).report
    assert not report.proven
    assert report.largest > 1e-3
    assert "32 bits" in likely_cause(wrong, report)


def test_a_permuted_column_is_caught(cancer):
    rows, truth = cancer
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, truth)
    converted = convert(pipeline, rows)
    columns = list(converted.inputs.columns)
    columns[0], columns[1] = columns[1], columns[0]
    wrong = replace(converted, inputs=replace(converted.inputs, columns=tuple(columns)))
    report = prove(wrong, frame_of(rows)).report
    assert not report.proven
    assert report.beyond > len(rows) / 2
    assert "another order" in likely_cause(wrong, report)


def test_a_swapped_order_of_classes_is_caught(cancer):
    rows, truth = cancer
    converted = convert(make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, truth), rows)
    swapped = onnx.ModelProto()
    swapped.CopyFrom(converted.model)
    graph = swapped.graph
    for node in graph.node:
        node.output[:] = ["straight" if each == "probabilities" else each for each in node.output]
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 0]), "order"))
    graph.node.append(onnx.helper.make_node("Gather", ["straight", "order"], ["probabilities"], axis=1))
    report = prove(replace(converted, model=swapped), frame_of(rows)).report
    assert not report.proven
    assert report.beyond > len(rows) / 2


def test_another_label_is_caught_even_if_the_scores_are_equal(cancer):
    rows, truth = cancer
    converted = convert(make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, truth), rows)
    flipped = onnx.ModelProto()
    flipped.CopyFrom(converted.model)
    for node in flipped.graph.node:
        node.output[:] = ["straight" if each == "label" else each for each in node.output]
    flipped.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "one"))
    flipped.graph.node.append(onnx.helper.make_node("Sub", ["one", "straight"], ["label"]))
    report = prove(replace(converted, model=flipped), frame_of(rows)).report
    assert (report.proven, report.beyond, report.flipped + report.ties) == (False, 0, report.rows)


def test_the_worst_rows_show_both_answers(cancer):
    rows, truth = cancer
    pipeline = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=100)).fit(rows, truth)
    worst = prove(plainly(pipeline, rows), frame_of(rows)).report.worst
    assert 1 <= len(worst) <= 5
    assert worst[0].distance == max(each.distance for each in worst)
    assert set(worst[0].expected) == {"label", "probabilities"}
    assert worst[0].expected["probabilities"] != worst[0].got["probabilities"]
