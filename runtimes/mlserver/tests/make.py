"""Makes two pickled pipelines of scikit-learn that have no converter to ONNX (a FunctionTransformer), and what they answer to a row.

    python3.11 -m venv sk && sk/bin/pip install -r runtimes/mlserver/requirements.txt
    sk/bin/python runtimes/mlserver/tests/make.py
"""

import json
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

HERE = Path(__file__).parent
COLUMNS = ["radius", "texture", "perimeter", "area"]


def main():
    features, target = load_breast_cancer(return_X_y=True)
    features = features[:, : len(COLUMNS)]
    row = features[20:21]
    expected = {"record": dict(zip(COLUMNS, row[0].tolist()))}
    for name, penalty in [("first", 1.0), ("second", 0.001)]:
        model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression(C=penalty, max_iter=1000))
        model.fit(features, target)
        joblib.dump(model, HERE / f"{name}.joblib")
        expected[name] = {"predict": model.predict(row).item(), "predict_proba": model.predict_proba(row)[0].tolist()}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
