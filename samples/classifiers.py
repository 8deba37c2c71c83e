"""The sample models: trained, exported to ONNX, and measured on rows that trained no model. `make.py` writes the files."""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python" / "src"))

from understudy import baseline

DEPLOYMENT = "breast-cancer"
SEED = 7
MALIGNANT, BENIGN = 0, 1

# The order in which BLAS adds numbers depends on the processor. Parameters that are rounded to five digits are the same
# on all processors, and so is the digest. The evaluation below measures the rounded model.
DIGITS = 5

INPUT = "features"

# The largest allowed difference between a float32 runtime and scikit-learn's float64.
TOLERANCE = 1e-5


@dataclass
class Data:
    """The data set. All models use the same split, so their metrics can be compared."""

    features: list[str]
    labels: list[str]
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    digest: str


@dataclass
class Sample:
    """One trained version: its bytes, its responses to the held-out rows, and its metrics."""

    version: str
    algorithm: str
    summary: str
    content: bytes
    baseline: bytes | None
    label: np.ndarray
    probabilities: np.ndarray
    metrics: dict[str, float]
    missed: int
    false_alarms: int

    def path(self, file: str) -> str:
        return f"{DEPLOYMENT}/{self.version}/{file}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def load() -> Data:
    raw = load_breast_cancer()
    # The server calls the models with float32, so they are trained on float32. Otherwise rounding could move a row to
    # the other side of a tree's threshold.
    x = raw.data.astype(np.float32)
    digest = sha256(raw.data.tobytes() + raw.target.tobytes())
    train_x, test_x, train_y, test_y = train_test_split(
        x, raw.target, test_size=0.25, stratify=raw.target, random_state=SEED
    )
    names = [str(name).replace(" ", "_") for name in raw.feature_names]
    return Data(names, [str(name) for name in raw.target_names], train_x, train_y, test_x, test_y, digest)


def rounded(values: np.ndarray) -> np.ndarray:
    """Rounds each element to DIGITS significant digits."""
    return np.vectorize(lambda value: float(f"{value:.{DIGITS - 1}e}"))(values)


def logistic_regression(data: Data):
    # Newton's method in float64 with this tolerance ends in the same optimum on every processor.
    regression = LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-10)
    model = make_pipeline(StandardScaler(), regression)
    model.fit(data.train_x.astype(np.float64), data.train_y)
    scaler = model[0]
    scaler.mean_, scaler.scale_ = rounded(scaler.mean_), rounded(scaler.scale_)
    regression.coef_, regression.intercept_ = rounded(regression.coef_), rounded(regression.intercept_)
    return model


def gradient_boosting(data: Data):
    model = GradientBoostingClassifier(
        n_estimators=80, max_depth=3, learning_rate=0.1, subsample=0.8, random_state=SEED
    )
    model.fit(data.train_x, data.train_y)
    model.init_.class_prior_ = rounded(model.init_.class_prior_)
    for tree in model.estimators_.ravel():
        tree.tree_.value[:] = rounded(tree.tree_.value)
    return model


def random_forest(data: Data):
    model = RandomForestClassifier(n_estimators=40, max_depth=5, random_state=SEED)
    model.fit(data.train_x, data.train_y)
    for tree in model.estimators_:
        tree.tree_.value[:] = rounded(tree.tree_.value)
    return model


def export(model, data: Data, version: str) -> bytes:
    """The model as ONNX. Metadata properties have the names that the form page and `/predict` need."""
    graph = to_onnx(
        model,
        data.train_x[:1],
        name=f"{DEPLOYMENT}-{version}",
        initial_types=None,
        target_opset={"": 17, "ai.onnx.ml": 3},
        options={id(model): {"zipmap": False}},
    )
    rename_input(graph, INPUT)
    onnx.helper.set_model_props(
        graph, {"feature_names": json.dumps(data.features), "labels": json.dumps(data.labels)}
    )
    # The converter collects the operator sets in a Python set. Its order differs from run to run.
    opsets = sorted(graph.opset_import, key=lambda each: each.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
    graph.doc_string = f"{DEPLOYMENT} {version}, made by samples/make.py"
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString(deterministic=True)


def rename_input(graph: onnx.ModelProto, name: str) -> None:
    """Renames the only input. skl2onnx calls every array `X`."""
    (only,) = graph.graph.input
    for node in graph.graph.node:
        node.input[:] = [name if each == only.name else each for each in node.input]
    only.name = name


def serve(content: bytes, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels and the probabilities that ONNX Runtime answers."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    label, probabilities = session.run(["label", "probabilities"], {INPUT: rows})
    return label, probabilities


def training_baseline(content: bytes, data: Data) -> bytes:
    """The baseline for drift: the distribution of the training rows and of the model's responses to them."""
    label, probabilities = serve(content, data.train_x)
    inputs = pd.DataFrame(data.train_x, columns=data.features)
    # The last digits of a response depend on the processor. The file must not.
    outputs = pd.DataFrame({"label": label, "probabilities": list(probabilities.round(DIGITS))})
    return baseline.dump(baseline.of(inputs, outputs, categorical=("label",))).encode()


def build(version: str, algorithm: str, summary: str, model, data: Data, with_baseline: bool) -> Sample:
    content = export(model, data, version)
    label, probabilities = serve(content, data.test_x)
    held_out = data.test_x.astype(np.float64)
    np.testing.assert_allclose(probabilities, model.predict_proba(held_out), atol=TOLERANCE)
    np.testing.assert_array_equal(label, model.predict(held_out))
    truth = data.test_y
    metrics = {
        "auc": roc_auc_score(truth, probabilities[:, BENIGN]),
        "accuracy": accuracy_score(truth, label),
        "malignantRecall": recall_score(truth, label, pos_label=MALIGNANT),
    }
    return Sample(
        version,
        algorithm,
        summary,
        content,
        training_baseline(content, data) if with_baseline else None,
        label,
        probabilities,
        {name: round(float(value), 4) for name, value in metrics.items()},
        missed=int(((truth == MALIGNANT) & (label == BENIGN)).sum()),
        false_alarms=int(((truth == BENIGN) & (label == MALIGNANT)).sum()),
    )


def versions(data: Data) -> list[Sample]:
    return [
        build(
            "1.0.0",
            "logistic regression",
            "Logistic regression on standardised measurements: simple, and easy to explain.",
            logistic_regression(data),
            data,
            with_baseline=False,
        ),
        build(
            "1.1.0",
            "gradient boosting",
            "Gradient boosting, 80 trees of depth 3: sees interactions that the logistic regression of 1.0.0 cannot.",
            gradient_boosting(data),
            data,
            with_baseline=True,
        ),
        build(
            "1.2.0",
            "random forest",
            "Random forest, 40 trees of depth 5: averages where the gradient boosting of 1.1.0 sums up.",
            random_forest(data),
            data,
            with_baseline=True,
        ),
    ]
