"""Makes the sample models, their baselines, their manifests and requests for them.

Three versions of one classifier on scikit-learn's breast-cancer data: a logistic regression (1.0.0), a gradient
boosting (1.1.0) and a random forest (1.2.0). All have the same 30 measurements as input, so one can replace the other
without a change for the caller. This script measures every number in the manifests, on rows that trained no model.

    python samples/make.py          writes the files below samples/
    python samples/make.py --check  writes nothing, and fails if a file would change
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import sklearn

from classifiers import BENIGN, DEPLOYMENT, DIGITS, INPUT, MALIGNANT, SEED, Data, Sample, load, sha256, versions

HERE = Path(__file__).resolve().parent

# The largest allowed difference between a server's response and a written one, which is rounded.
ANSWER_TOLERANCE = 1e-4


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


def version_manifest(sample: Sample, main: Sample | None, data: Data, examples: bytes) -> str:
    metrics = "\n".join(f"      - {{name: {name}, value: {value}}}" for name, value in sample.metrics.items())
    more = ""
    if sample.baseline is not None:
        more = f"""
  baseline:
    uri: s3://models/{sample.path("baseline.json")}
    sha256: {sha256(sample.baseline)}
  examples:
    uri: s3://models/{sample.path("examples.jsonl")}
    sha256: {sha256(examples)}
    tolerance: {{absolute: {ANSWER_TOLERANCE}}}"""
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
    secretRef: {{name: s3}}{more}
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
  # For a demonstration, which sends the same 143 rows again and again. The defaults are 1h, 1000 and 0.02.
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


def record(row: np.ndarray, data: Data) -> dict:
    return dict(zip(data.features, map(number, row), strict=True))


def predict_request(row: np.ndarray, data: Data) -> str:
    return as_json({"records": [record(row, data)]})


def examples(chosen: list[int], sample: Sample, data: Data) -> bytes:
    """These held-out rows as requests for `/predict`, with the answers of this version: one example in each line."""
    lines = []
    for index in chosen:
        request = {"records": [record(data.test_x[index], data)]}
        prediction = expected_row(index, [sample], data)["expected"][sample.version]
        lines.append(json.dumps({"request": request, "response": {"predictions": [prediction]}}))
    return ("\n".join(lines) + "\n").encode()


def expected_row(index: int, samples: list[Sample], data: Data) -> dict:
    """A held-out row: its true label, its measurements, and the response of every version."""
    expected = {}
    for sample in samples:
        probabilities = [round(float(value), DIGITS) for value in sample.probabilities[index]]
        expected[sample.version] = {"label": int(sample.label[index]), "probabilities": probabilities}
    features = [number(value) for value in data.test_x[index]]
    return {"truth": int(data.test_y[index]), "features": features, "expected": expected}


def few(samples: list[Sample]) -> list[int]:
    """Six held-out rows. The first two versions answer three of them very differently."""
    distance = np.abs(samples[0].probabilities[:, BENIGN] - samples[1].probabilities[:, BENIGN])
    return [0, 1, 2, *(int(index) for index in np.argsort(-distance, kind="stable")[:3])]


def few_rows(chosen: list[int], samples: list[Sample], data: Data) -> str:
    rows = [expected_row(index, samples, data) for index in chosen]
    return as_json({"input": INPUT, "labels": data.labels, "tolerance": ANSWER_TOLERANCE, "rows": rows})


def all_rows(samples: list[Sample], data: Data) -> str:
    """Every held-out row, one on each line, so that a shell can read them."""
    head = {"input": INPUT, "labels": data.labels, "tolerance": ANSWER_TOLERANCE}
    fields = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    lines = [json.dumps(expected_row(index, samples, data)) for index in range(len(data.test_y))]
    rows = ",\n".join(lines)
    return "{\n" + ",\n".join([*fields, f'"rows": [\n{rows}\n]']) + "\n}\n"


def outputs() -> dict[str, bytes]:
    """Every file by its path below samples/."""
    data = load()
    samples = versions(data)
    row = data.test_x[0]
    chosen = few(samples)
    files = {
        "manifests/modeldeployment.yaml": deployment_manifest().encode(),
        "requests/infer.json": infer_request(row).encode(),
        "requests/predict.json": predict_request(row, data).encode(),
        "rows.json": few_rows(chosen, samples, data).encode(),
        "held-out.json": all_rows(samples, data).encode(),
    }
    for sample, main in zip(samples, [None, *samples]):
        files[f"models/{sample.path('model.onnx')}"] = sample.content
        proof = examples(chosen, sample, data)
        if sample.baseline is not None:
            files[f"models/{sample.path('baseline.json')}"] = sample.baseline
            files[f"models/{sample.path('examples.jsonl')}"] = proof
        manifest = version_manifest(sample, main, data, proof)
        files[f"manifests/modelversion-{sample.version}.yaml"] = manifest.encode()
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
