"""Makes the sample models, their baselines, their manifests and requests for them.

Three versions of one classifier on scikit-learn's breast-cancer data: a logistic regression (1.0.0), a gradient
boosting (1.1.0) and a random forest (1.2.0). All have the same 30 measurements as input, so one can replace the other
without a change for the caller. This script measures every number in the manifests, on rows that trained no model.

    python samples/make.py          writes the files below samples/
    python samples/make.py --check  writes nothing, and fails if a file would change
"""

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import sklearn
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from baseline import baseline, dump

HERE = Path(__file__).resolve().parent
DEPLOYMENT = "breast-cancer"
SEED = 7
MALIGNANT, BENIGN = 0, 1

# The order in which BLAS adds numbers depends on the processor. Parameters that are rounded to five digits are the same
# on all processors, and so is the digest. The evaluation below measures the rounded model.
DIGITS = 5

INPUT = "features"

# The largest allowed difference between a float32 runtime and scikit-learn's float64.
TOLERANCE = 1e-5

# The largest allowed difference between a server's response and a written one, which is rounded.
ANSWER_TOLERANCE = 1e-4


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
    return dump(baseline(inputs, outputs, categorical=("label",))).encode()


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


def comparison(sample: Sample, main: Sample | None) -> str:
    if main is None:
        return ""
    auc, accuracy = (sample.metrics[name] - main.metrics[name] for name in ("auc", "accuracy"))
    verdict = "better" if auc > 0 and accuracy > 0 else "not better"
    return f"\n\n**Against {main.version}**, on the same rows: AUC {auc:+.4f}, accuracy {accuracy:+.4f}: {verdict}."


def card(sample: Sample, main: Sample | None, data: Data) -> str:
    """The model card for the reviewer."""
    held_out, malignant = len(data.test_y), int((data.test_y == MALIGNANT).sum())
    benign = held_out - malignant
    return f"""# {DEPLOYMENT} {sample.version}

{sample.summary}

**Input**: one vector `{INPUT}` of {len(data.features)} measurements of cell nuclei, in the order of the
model's metadata property `feature_names`. **Output**: `label` (0 malignant, 1 benign) and
`probabilities` in the same order.

**Data**: scikit-learn's breast-cancer data (Wisconsin Diagnostic, 1995), 569 rows, one clinic.
{len(data.train_y)} rows trained it; {held_out} rows ({malignant} malignant), split by class, seed {SEED}, were held out.

**On the held-out rows**: AUC {sample.metrics["auc"]:.4f}, accuracy {sample.metrics["accuracy"]:.4f};
{sample.missed} of {malignant} malignant cases called benign, {sample.false_alarms} of {benign} benign cases called malignant.{comparison(sample, main)}

**Limits**: one split of a small, old data set: differences of a few thousandths between versions
mean nothing. The probabilities are not calibrated, and groups of patients were not evaluated separately.
It demonstrates Understudy. It must not be used for a diagnosis.
"""


def indented(text: str, by: int) -> str:
    return "\n".join((" " * by + line).rstrip() for line in text.strip().splitlines())


def version_manifest(sample: Sample, main: Sample | None, data: Data) -> str:
    metrics = "\n".join(f"      - {{name: {name}, value: {value}}}" for name, value in sample.metrics.items())
    drift = ""
    if sample.baseline is not None:
        drift = f"""
  baseline:
    uri: s3://models/{sample.path("baseline.json")}
    sha256: {sha256(sample.baseline)}"""
    return f"""# Made by samples/make.py.
apiVersion: understudy.dev/v1alpha1
kind: ModelVersion
metadata:
  name: {DEPLOYMENT}-{sample.version}
spec:
  deployment: {DEPLOYMENT}
  version: {sample.version}
  artifact:
    uri: s3://models/{sample.path("model.onnx")}
    sha256: {sha256(sample.content)}
    secretRef: {{name: s3}}{drift}
  documentation:
    markdown: |
{indented(card(sample, main, data), 6)}
  evaluation:
    dataset: breast-cancer, {len(data.test_y)} held-out rows, seed {SEED}
    metrics:
{metrics}
  provenance:
    run: samples/make.py, {sample.algorithm}, scikit-learn {sklearn.__version__}
    dataset: sklearn.datasets.load_breast_cancer, sha256:{data.digest}
"""


def deployment_manifest() -> str:
    return f"""# Made by samples/make.py.
apiVersion: understudy.dev/v1alpha1
kind: ModelDeployment
metadata:
  name: {DEPLOYMENT}
spec:
  description: benign or malignant, from 30 measurements of cell nuclei (a demonstration)
  replicas: 2
  approval:
    acceptanceTest: Required
    expiresAfter: 168h
    gates:
    - {{metric: auc, min: 0.95}}
  rollback:
    keepWarm: 10m
  recording:
    sink: {{uri: s3://predictions/, secretRef: {{name: s3}}}}
    rotateAfter: 10s
  # For a demonstration. The defaults are 1h, 1000 and 0.2.
  drift: {{window: 1m, minSamples: 400, psi: 0.25}}
"""


def as_json(value) -> str:
    return json.dumps(value, indent=2) + "\n"


def number(value: np.float32) -> float:
    """The shortest decimal that is the same float32."""
    return float(str(np.float32(value)))


def infer_request(row: np.ndarray) -> str:
    values = [number(value) for value in row]
    tensor = {"name": INPUT, "shape": [1, len(values)], "datatype": "FP32", "data": values}
    return as_json({"id": "sample", "inputs": [tensor]})


def predict_request(row: np.ndarray, data: Data) -> str:
    return as_json({"records": [dict(zip(data.features, map(number, row), strict=True))]})


def expected_row(index: int, samples: list[Sample], data: Data) -> dict:
    """A held-out row: its true label, its measurements, and the response of every version."""
    expected = {}
    for sample in samples:
        probabilities = [round(float(value), DIGITS) for value in sample.probabilities[index]]
        expected[sample.version] = {"label": int(sample.label[index]), "probabilities": probabilities}
    features = [number(value) for value in data.test_x[index]]
    return {"truth": int(data.test_y[index]), "features": features, "expected": expected}


def few_rows(samples: list[Sample], data: Data) -> str:
    """Six held-out rows. The first two versions answer three of them very differently."""
    distance = np.abs(samples[0].probabilities[:, BENIGN] - samples[1].probabilities[:, BENIGN])
    chosen = [0, 1, 2, *(int(index) for index in np.argsort(-distance, kind="stable")[:3])]
    rows = [expected_row(index, samples, data) for index in chosen]
    return as_json({"input": INPUT, "labels": data.labels, "tolerance": ANSWER_TOLERANCE, "rows": rows})


def all_rows(samples: list[Sample], data: Data) -> str:
    """Every held-out row, one on each line, so that a shell can read them."""
    head = {"input": INPUT, "labels": data.labels, "tolerance": ANSWER_TOLERANCE}
    fields = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    lines = [json.dumps(expected_row(index, samples, data)) for index in range(len(data.test_y))]
    rows = ",\n".join(lines)
    return "{\n" + ",\n".join([*fields, f'"rows": [\n{rows}\n]']) + "\n}\n"


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


def outputs() -> dict[str, bytes]:
    """Every file by its path below samples/."""
    data = load()
    samples = versions(data)
    row = data.test_x[0]
    files = {
        "manifests/modeldeployment.yaml": deployment_manifest().encode(),
        "requests/infer.json": infer_request(row).encode(),
        "requests/predict.json": predict_request(row, data).encode(),
        "rows.json": few_rows(samples, data).encode(),
        "held-out.json": all_rows(samples, data).encode(),
    }
    for sample, main in zip(samples, [None, *samples]):
        files[f"models/{sample.path('model.onnx')}"] = sample.content
        if sample.baseline is not None:
            files[f"models/{sample.path('baseline.json')}"] = sample.baseline
        files[f"manifests/modelversion-{sample.version}.yaml"] = version_manifest(sample, main, data).encode()
        print(f"{sample.version} {len(sample.content):>6} bytes sha256:{sha256(sample.content)} {sample.metrics}")
    return files


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="write nothing, fail if a file would change")
    check = arguments.parse_args().check
    stale = []
    for name, content in outputs().items():
        path = HERE / name
        if path.is_file() and path.read_bytes() == content:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    print("\n".join(f"{'differs' if check else 'wrote'} samples/{name}" for name in stale) or "all up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
