"""Records what pypmml answers for every document in `documents`. The answers are the fixtures of `test_answers.py`.

    PYTHONPATH=src:tests python -m pmml.record [--generate]

With `--generate`, the generated documents are made again before. Needs pypmml 1.5.8 and Java 17.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from understudy.convert.pmml import UnsupportedPmmlError, to_onnx

from . import rows
from .generated_models import KINDS, generate
from .pypmml_answers import PyPmml
from .scoring import Scorer

HERE = Path(__file__).parent
DOCUMENTS = HERE / "documents"
ANSWERS = HERE / "answers"

ROWS = 600
EACH = 2
"""Generated documents of each kind."""

LARGEST = 40_000
"""Bytes of a generated document."""


def make_generated() -> None:
    """Write small generated documents of each kind, with answers that are worth recording."""
    for old in DOCUMENTS.glob("generated_*.pmml"):
        old.unlink()
    for kind in KINDS:
        made = 0
        for seed in range(5000, 6000):
            document = generate(kind, seed)
            if len(document) <= LARGEST and _is_telling(document, seed):
                (DOCUMENTS / f"generated_{kind}_{seed}.pmml").write_bytes(document)
                made += 1
            if made == EACH:
                break


def _is_telling(document: bytes, seed: int) -> bool:
    """Whether the document converts without a note about pypmml, and most answers are not missing and not all the same."""
    try:
        converted = to_onnx(document)
    except UnsupportedPmmlError:
        return False
    if any("pypmml" in note and "as in pypmml" not in note for note in converted.notes):
        return False
    scorer = Scorer(converted.model)
    values = [answer["value"] for answer in scorer.score(rows.make(document, scorer.names, 200, seed))]
    return len(scorer.names) >= 3 and values.count(None) < 100 and len(set(values)) > 2


def record(path: Path) -> None:
    """Write the answers for one document."""
    document = path.read_bytes()
    names = Scorer(to_onnx(document).model).names
    sent = rows.make(document, names, ROWS, seed=7)
    answers = PyPmml(document).score(sent)
    recorded = {
        "recorded_with": "pypmml 1.5.8",
        "fields": {name: [row[name] for row in sent] for name in names},
        "values": [answer["value"] for answer in answers],
    }
    classes = sorted({name for answer in answers for name in answer.get("probabilities", {})})
    recorded["probabilities"] = {name: [answer["probabilities"][name] for answer in answers] for name in classes}
    text = json.dumps(recorded, ensure_ascii=False, separators=(",", ":"))
    with gzip.GzipFile(ANSWERS / f"{path.stem}.json.gz", "wb", mtime=0) as file:
        file.write(text.encode())


def main() -> None:
    """Record all documents."""
    if "--generate" in sys.argv[1:]:
        make_generated()
    ANSWERS.mkdir(exist_ok=True)
    for old in ANSWERS.glob("*.json.gz"):
        old.unlink()
    for path in sorted(DOCUMENTS.glob("*.pmml")):
        record(path)
        print(path.stem)


if __name__ == "__main__":
    main()
