"""Exports of skl2onnx with its defaults: classifiers end in a sequence of maps from class to score."""

import numpy
import pandas
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from .case import Case, rows_of, same_calls


def cases():
    features, label = load_iris(return_X_y=True)
    features = features.astype(numpy.float32)
    names = load_iris().target_names[label]
    for name, estimator, target in [
        ("logistic regression", LogisticRegression(max_iter=500), label),
        ("logistic regression, classes with names", LogisticRegression(max_iter=500), names),
        ("forest", RandomForestClassifier(20, random_state=0), label),
        ("forest, classes with names", RandomForestClassifier(20, random_state=0), names),
        ("SVC", SVC(random_state=0), label),
        ("scaler and SVC", make_pipeline(StandardScaler(), SVC(random_state=0)), names),
        ("histogram gradient boosting", HistGradientBoostingClassifier(max_iter=20, random_state=0), label),
    ]:
        model = to_onnx(estimator.fit(features, target), features[:1])
        yield Case(f"scikit-learn {name}", model.SerializeToString(), rows_of("X", features))

    features, label = load_breast_cancer(return_X_y=True)
    features = features.astype(numpy.float32)
    model = to_onnx(make_pipeline(StandardScaler(), LogisticRegression()).fit(features, label), features[:1])
    yield Case("scikit-learn two classes", model.SerializeToString(), rows_of("X", features))

    features, target = load_diabetes(return_X_y=True)
    features = features.astype(numpy.float32)
    model = to_onnx(RandomForestRegressor(20, random_state=0).fit(features, target), features[:1])
    yield Case("scikit-learn regression", model.SerializeToString(), rows_of("X", features))
    yield columns()


def columns():
    """One input for each column of a table, numbers and strings."""
    random = numpy.random.default_rng(0)
    frame = pandas.DataFrame({
        "age": random.integers(18, 90, 200).astype(numpy.float32),
        "amount": random.gamma(2, 100, 200).astype(numpy.float32),
        "country": random.choice(["NL", "DE", "Åland"], 200),
        "device": random.choice(["phone", "desk", ""], 200),
    })
    fraud = (frame["amount"] > 200) ^ (frame["country"] == "DE")
    preparation = ColumnTransformer([
        ("numbers", StandardScaler(), ["age", "amount"]),
        ("texts", OneHotEncoder(handle_unknown="ignore"), ["country", "device"]),
    ])
    pipeline = make_pipeline(preparation, LogisticRegression()).fit(frame, numpy.where(fraud, "fraud", "fine"))
    types = [(name, FloatTensorType([None, 1])) for name in ("age", "amount")]
    types += [(name, StringTensorType([None, 1])) for name in ("country", "device")]
    model = to_onnx(pipeline, initial_types=types)
    unseen = frame.head(2).assign(country="Côte d’Ivoire")
    calls = [{name: some[[name]].to_numpy() for name in frame.columns} for some in (frame, frame[:1], unseen)]
    return Case("scikit-learn pipeline with columns", model.SerializeToString(), same_calls(*calls))
