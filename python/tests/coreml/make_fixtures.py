"""Makes the documents and the recorded answers in `fixtures/`.

Run with Python 3.11, coremltools 9.0, scikit-learn 1.5.1, xgboost 1.7.6 and numpy 2.2: newer versions of scikit-learn are
refused by coremltools' converters. The answers are those of the source libraries: Core ML predicts on macOS only.
"""

import json
from pathlib import Path

import coremltools as ct
import numpy as np
import xgboost as xgb
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = [f"f{i}" for i in range(5)]
rng = np.random.default_rng(13)
# float32 numbers: scikit-learn rounds rows to float32 before it compares.
ROWS = rng.normal(size=(1100, 5)).astype(np.float32).astype(np.float64)
TRAIN, TEST = ROWS[:600], ROWS[600:]
SCORE = ROWS @ [1.0, -2.0, 0.5, 0.0, 1.5] + ROWS[:, 0] * ROWS[:, 1] + rng.normal(size=1100) * 0.3
TWO, THREE = (SCORE > 0).astype(int)[:600], np.digitize(SCORE, [-1.5, 1.5])[:600]


def save(name, document, rows, answers):
    """Write one document with its rows and answers."""
    document.save(str(FIXTURES / f"{name}.mlmodel"))
    np.savez_compressed(FIXTURES / f"{name}.npz", rows=rows, **answers)


def sklearn_model(name, model, target, rows=TEST, train=TRAIN):
    """Fit and record a model of scikit-learn."""
    model.fit(train, target)
    document = ct.converters.sklearn.convert(model, NAMES, "target")
    classes = hasattr(model, "predict_proba")
    answers = (
        {"label": model.predict(rows), "probabilities": model.predict_proba(rows)}
        if classes
        else {"prediction": model.predict(rows)}
    )
    if isinstance(model, RandomForestClassifier) and len(model.classes_) > 2:
        # coremltools forgets to divide by the number of trees, and Core ML gives the sums (apple/coremltools #1541).
        answers["probabilities"] = answers["probabilities"] * len(model.estimators_)
    save(name, document, rows, answers)


def main():
    """Make all fixtures."""
    FIXTURES.mkdir(exist_ok=True)
    seed = {"random_state": 0}
    sklearn_model("forest_regressor", RandomForestRegressor(8, max_depth=5, **seed), SCORE[:600])
    sklearn_model("boosting_regressor", GradientBoostingRegressor(n_estimators=20, **seed), SCORE[:600])
    sklearn_model("forest_two", RandomForestClassifier(8, max_depth=5, **seed), TWO)
    sklearn_model("forest_three", RandomForestClassifier(8, max_depth=5, **seed), THREE)
    sklearn_model("tree_words", DecisionTreeClassifier(max_depth=5, **seed), np.array(["low", "mid", "high"])[THREE])
    sklearn_model("boosting_two", GradientBoostingClassifier(n_estimators=15, **seed), TWO)
    sklearn_model("boosting_three", GradientBoostingClassifier(n_estimators=8, **seed), THREE)
    sklearn_model("linear", Pipeline([("s", StandardScaler()), ("m", LinearRegression())]), SCORE[:600])
    sklearn_model("logistic_two", LogisticRegression(multi_class="ovr"), TWO)
    sklearn_model("logistic_three", Pipeline([("n", Normalizer("l2")), ("m", LogisticRegression(multi_class="ovr"))]), THREE)
    holes = np.where(rng.random(ROWS.shape) < 0.15, np.nan, ROWS)
    steps = [("i", SimpleImputer()), ("s", StandardScaler()), ("m", GradientBoostingRegressor(n_estimators=10, **seed))]
    sklearn_model("imputed", Pipeline(steps), SCORE[:600], holes[600:], holes[:600])
    config = {"max_depth": 4, "base_score": 0.5, "seed": 0}
    booster = xgb.train(config, xgb.DMatrix(holes[:600], SCORE[:600], feature_names=NAMES), 15)
    near = holes[600:].copy()
    # Doubles beside thresholds: only a comparison in float32 gives XGBoost's answer for them.
    cuts = [(n["split"], n["split_condition"]) for t in booster.get_dump(dump_format="json") for n in [json.loads(t)]]
    for row, (name, cut) in zip(near[::10], cuts, strict=False):
        row[NAMES.index(name)] = float(np.float32(cut)) - 1e-9
    document = ct.converters.xgboost.convert(booster, NAMES, "target", force_32bit_float=True)
    save("xgboost_regressor", document, near, {"prediction": booster.predict(xgb.DMatrix(near, feature_names=NAMES))})


if __name__ == "__main__":
    main()
