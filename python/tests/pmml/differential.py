"""Compares converted documents with pypmml on random rows: the documents beside this file, and generated ones.

    PYTHONPATH=src:tests python -m pmml.differential --seeds 0 1000 [--kinds tree,forest] [FILE...]

Needs pypmml 1.5.8 and Java 17; no test of `make test` does. Prints each difference with the document's kind and seed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from understudy.convert.pmml import MalformedPmmlError, UnsupportedPmmlError, to_onnx

from . import rows
from .generated_models import KINDS, generate
from .pypmml_answers import PyPmml
from .scoring import Scorer, difference

ROWS = 120


def compare(document: bytes, seed: int, count: int) -> tuple[str, str | None]:
    """The verdict about a document (`equal`, `refused` or `different`), and the first difference or reason."""
    try:
        converted = to_onnx(document)
    except (UnsupportedPmmlError, MalformedPmmlError) as error:
        return "refused", str(error)
    scorer = Scorer(converted.model)
    sent = rows.make(document, scorer.names, count, seed)
    # A note says where pypmml departs from PMML. Only rows without a missing value are compared then.
    if any("pypmml" in note and ("unknown" in note or "missing" in note) for note in converted.notes):
        sent = rows.make(document, scorer.names, count, seed, missing=0.0)
    for row, ours, theirs in zip(sent, scorer.score(sent), PyPmml(document).score(sent), strict=True):
        found = difference(ours, theirs)
        if found is not None:
            return "different", f"{found} for {row}"
    return "equal", None


def documents(arguments: argparse.Namespace) -> Iterator[tuple[str, str, bytes, int]]:
    """Kind, name, document and seed."""
    for path in arguments.files:
        yield "file", path.name, path.read_bytes(), 1
    for seed in range(*arguments.seeds):
        for kind in arguments.kinds:
            yield kind, f"{kind} {seed}", generate(kind, seed), seed


def main() -> int:
    """Compare, and count the verdicts. The exit code is 1 if any answer differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=sorted(Path(__file__).parent.glob("documents/*.pmml")))
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 50), metavar=("FIRST", "END"))
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    arguments = parser.parse_args()
    verdicts: Counter[tuple[str, str]] = Counter()
    for kind, name, document, seed in documents(arguments):
        verdict, why = compare(document, seed, 600 if kind == "file" else ROWS)
        verdicts[kind, verdict] += 1
        if verdict == "different" or (verdict == "refused" and kind == "file"):
            print(f"{name}: {verdict}: {why}", flush=True)
    for (kind, verdict), count in sorted(verdicts.items()):
        print(f"{kind:18} {verdict:10} {count}")
    return int(any(verdict == "different" for _, verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
