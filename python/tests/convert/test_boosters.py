"""Boosters without scikit-learn's interface are converted so that they answer like the original."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from catboost import CatBoostClassifier, CatBoostRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from understudy.convert import convert
from understudy.errors import NotConvertible
from understudy.prove import prove
from understudy.table import frame_of

ROUNDS = 25


def data(task):
    rows, truth = {"binary": load_breast_cancer, "multiclass": load_iris, "regression": load_diabetes}[task](
        return_X_y=True, as_frame=True
    )
    # Missing numbers are normal for all three.
    rows = rows.copy()
    rows.iloc[::7, 1] = np.nan
    return rows, truth


def with_catboost(rows, truth, task):
    kind = CatBoostRegressor if task == "regression" else CatBoostClassifier
    return kind(iterations=ROUNDS, verbose=0, random_seed=1, allow_writing_files=False).fit(rows, truth)


def with_xgboost(rows, truth, task):
    more = {
        "multiclass": {"objective": "multi:softprob", "num_class": 3},
        "binary": {"objective": "binary:logistic"},
        "regression": {},
    }[task]
    return xgboost.train(more, xgboost.DMatrix(np.asarray(rows), truth), ROUNDS)


def with_lightgbm(rows, truth, task):
    more = {"objective": task, "verbose": -1} | ({"num_class": 3} if task == "multiclass" else {})
    return lightgbm.train(more, lightgbm.Dataset(np.asarray(rows), truth), ROUNDS)


@pytest.mark.parametrize("columns", [True, False], ids=["columns", "vector"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("train", [with_catboost, with_xgboost, with_lightgbm], ids=["CatBoost", "XGBoost", "LightGBM"])
def test_a_booster_answers_like_the_original_in_every_row(train, task, columns):
    rows, truth = data(task)
    given = rows if columns else rows.to_numpy()
    converted = convert(train(given, truth, task), given)
    report = prove(converted, frame_of(given)).report
    assert report.proven, report
    names = [tensor.name for tensor in converted.model.graph.input]
    assert names == (list(rows.columns) if columns else ["features"])


def test_catboost_s_text_classes_are_answered_as_texts():
    rows, truth = data("multiclass")
    names = np.array(["setosa", "versicolor", "virginica"])[truth]
    converted = convert(CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False).fit(rows, names), rows)
    assert converted.original.labels == ("setosa", "versicolor", "virginica")
    report = prove(converted, frame_of(rows)).report
    assert report.proven, report


def test_catboost_s_categorical_features_are_refused_with_what_to_do():
    rows = pd.DataFrame({"country": ["NL", "DE"] * 20, "amount": range(40)})
    model = CatBoostClassifier(iterations=2, verbose=0, cat_features=["country"], allow_writing_files=False).fit(rows, [0, 1] * 20)
    with pytest.raises(NotConvertible, match=r"categorical features \(country\): encode them before the training"):
        convert(model, rows)


def test_an_objective_without_a_conversion_is_named():
    rows, truth = data("binary")
    model = xgboost.train({"objective": "rank:pairwise"}, xgboost.DMatrix(rows, truth), 2)
    with pytest.raises(NotConvertible, match="objective rank:pairwise"):
        convert(model, rows)
