"""A model of scikit-learn, XGBoost or LightGBM is converted so that it answers like the original."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from understudy.convert import convert
from understudy.errors import NotConvertible
from understudy.original import Task
from understudy.prove import prove
from understudy.table import frame_of

NUMBERS, TEXTS = ["amount", "age"], ["country", "channel"]


def imputing():
    """Numbers are imputed and scaled, texts are imputed and encoded."""
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS),
        (
            make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
            TEXTS,
        ),
        ("passthrough", ["vip"]),
    )


def passing():
    """Missing numbers reach the model, and missing texts are a category."""
    return make_column_transformer(
        ("passthrough", NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
        ("passthrough", ["vip"]),
    )


def ordinal():
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["country"]),
    )


MODELS = {
    "logistic regression": (imputing, lambda: LogisticRegression(max_iter=2000)),
    "decision tree": (imputing, lambda: DecisionTreeClassifier(random_state=1)),
    "random forest": (imputing, lambda: RandomForestClassifier(20, random_state=1)),
    "random forest on codes": (ordinal, lambda: RandomForestClassifier(20, random_state=1)),
    "extra trees": (imputing, lambda: ExtraTreesClassifier(20, random_state=1)),
    "gradient boosting": (imputing, lambda: GradientBoostingClassifier(random_state=1)),
    "hist gradient boosting": (imputing, lambda: HistGradientBoostingClassifier(random_state=1)),
    "hist gradient boosting, missing numbers": (passing, lambda: HistGradientBoostingClassifier(random_state=1)),
    "XGBoost": (imputing, lambda: XGBClassifier(n_estimators=30)),
    "XGBoost, missing numbers": (passing, lambda: XGBClassifier(n_estimators=30)),
    "LightGBM": (imputing, lambda: LGBMClassifier(n_estimators=30, verbose=-1)),
    "LightGBM, missing numbers": (passing, lambda: LGBMClassifier(n_estimators=30, verbose=-1)),
    "AdaBoost": (imputing, lambda: AdaBoostClassifier(random_state=1)),
    "bagging": (imputing, lambda: BaggingClassifier(random_state=1)),
    "calibrated forest": (imputing, lambda: CalibratedClassifierCV(RandomForestClassifier(10, random_state=1))),
    "voting": (
        imputing,
        lambda: VotingClassifier(
            [
                ("a", LogisticRegression(max_iter=2000)),
                ("b", RandomForestClassifier(10, random_state=1)),
                ("c", HistGradientBoostingClassifier(max_iter=10)),
            ],
            voting="soft",
        ),
    ),
    "stacking": (imputing, lambda: StackingClassifier([("a", GaussianNB()), ("b", RandomForestClassifier(10, random_state=1))])),
    "neural network": (imputing, lambda: MLPClassifier(max_iter=2000, random_state=1, tol=1e-2)),
    "linear support vectors, with scores": (imputing, LinearSVC),
    "support vectors, with scores": (imputing, SVC),
    "linear regression": (imputing, LinearRegression),
    "forest regression": (imputing, lambda: RandomForestRegressor(20, random_state=1)),
    "gradient boosting regression": (imputing, lambda: GradientBoostingRegressor(random_state=1)),
    "hist gradient boosting regression": (passing, lambda: HistGradientBoostingRegressor(random_state=1)),
    "XGBoost regression": (passing, lambda: XGBRegressor(n_estimators=30)),
    "LightGBM regression": (passing, lambda: LGBMRegressor(n_estimators=30, verbose=-1)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_pipeline_of_columns_answers_like_the_original_in_every_row(name, payments):
    frame, fraud = payments
    columns, model = MODELS[name]
    pipeline = make_pipeline(columns(), model()).fit(frame, fraud)
    converted = convert(pipeline, frame)
    proof = prove(converted, frame)
    assert proof.report.proven, proof.report
    assert proof.report.rows >= len(frame)
    assert converted.notes == ()
    kinds = {column.name: column.kind.value for column in converted.inputs.columns}
    assert kinds == {"amount": "number", "age": "number", "vip": "boolean", "country": "text", "channel": "text"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=1),
        HistGradientBoostingClassifier(),
        XGBClassifier(n_estimators=20),
        LGBMClassifier(verbose=-1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_vector_keeps_its_type_and_trees_their_thresholds(model, scaled, dtype):
    rows, truth = load_breast_cancer(return_X_y=True)
    rows = rows.astype(dtype)
    fitted = (make_pipeline(StandardScaler(), model) if scaled else model).fit(rows, truth)
    converted = convert(fitted, rows)
    proof = prove(converted, frame_of(rows))
    assert proof.report.proven, proof.report
    (only,) = converted.model.graph.input
    assert only.name == "features"
    assert only.type.tensor_type.elem_type == {np.float32: 1, np.float64: 11}[dtype]


def test_text_classes_are_answered_as_texts_in_their_order():
    rows, truth = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[truth]
    converted = convert(RandomForestClassifier(10, random_state=1).fit(rows, names), rows)
    assert converted.original.labels == ("setosa", "versicolor", "virginica")
    proof = prove(converted, frame_of(rows))
    assert proof.report.proven, proof.report


def test_a_regression_answers_one_number():
    rows, truth = load_iris(return_X_y=True, as_frame=True)
    converted = convert(LinearRegression().fit(rows, truth), rows)
    assert (converted.original.task, converted.original.outputs) == (Task.REGRESSION, ("prediction",))
    assert [output.name for output in converted.model.graph.output] == ["prediction"]


def test_the_same_model_gives_the_same_bytes_in_every_process(payments):
    frame, fraud = payments
    pipeline = make_pipeline(imputing(), RandomForestClassifier(5, random_state=1)).fit(frame, fraud)
    again = (
        "import sys, pickle; from understudy.convert import convert; model, frame = pickle.load(sys.stdin.buffer);"
        "sys.stdout.buffer.write(convert(model, frame).model.SerializeToString(deterministic=True))"
    )
    made = {convert(pipeline, frame).model.SerializeToString(deterministic=True)}
    for seed in "123":
        environment = os.environ | {"PYTHONHASHSEED": seed}
        given = pickle.dumps((pipeline, frame))
        made.add(
            subprocess.run([sys.executable, "-c", again], input=given, env=environment, capture_output=True, check=True).stdout
        )
    assert len(made) == 1


def test_a_step_without_a_converter_is_named_with_what_to_do():
    rows, truth = load_iris(return_X_y=True, as_frame=True)
    model = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression(max_iter=500)).fit(rows, truth)
    with pytest.raises(NotConvertible, match=r"FunctionTransformer|spec\.runtime"):
        convert(model, rows)


def test_something_that_is_no_model_is_refused_by_name():
    with pytest.raises(NotConvertible, match=r"builtins\.dict"):
        convert({"weights": [1, 2]}, load_iris(as_frame=True).data)
