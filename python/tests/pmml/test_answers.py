"""A converted document answers as pypmml did, also for missing values, unseen categories and numbers at a threshold."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from understudy.convert.pmml import to_onnx

from .generated_models import KINDS
from .scoring import Scorer, difference

HERE = Path(__file__).parent
DOCUMENTS = sorted((HERE / "documents").glob("*.pmml"))


def recorded(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows that were sent to pypmml, and its answers."""
    content = json.loads(gzip.decompress((HERE / "answers" / f"{path.stem}.json.gz").read_bytes()))
    fields = content["fields"]
    rows = [dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)]
    answers = [{"value": value} for value in content["values"]]
    for name, column in content["probabilities"].items():
        for answer, probability in zip(answers, column, strict=True):
            answer.setdefault("probabilities", {})[name] = probability
    return rows, answers


def skipped(row: dict[str, Any], notes: tuple[str, ...]) -> bool:
    """Rows with a missing value, where a note says that pypmml departs from PMML for them."""
    return None in row.values() and any("pypmml" in note and "unknown" in note for note in notes)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_converted_document_answers_as_pypmml_did(path: Path) -> None:
    converted = to_onnx(path.read_bytes())
    rows, answers = recorded(path)
    assert len(rows) >= 500
    compared = 0
    for row, ours, theirs in zip(rows, Scorer(converted.model).score(rows), answers, strict=True):
        if not skipped(row, converted.notes):
            assert difference(ours, theirs) is None, row
            compared += 1
    assert compared >= 300


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_one_row_is_answered_as_in_a_batch(path: Path) -> None:
    scorer = Scorer(to_onnx(path.read_bytes()).model)
    rows, _ = recorded(path)
    batch = scorer.score(rows[:20])
    for row, together in zip(rows[:20], batch, strict=True):
        assert difference(scorer.score([row])[0], together) is None


def test_the_recorded_rows_have_missing_and_unseen_values_and_answers_of_each_kind() -> None:
    kinds = {path.stem.removeprefix("generated_").rsplit("_", 1)[0] for path in DOCUMENTS if path.stem.startswith("generated_")}
    assert kinds == set(KINDS)
    everything = [recorded(path) for path in DOCUMENTS]
    values = [value for rows, _ in everything for row in rows for value in row.values()]
    assert None in values
    assert "unseen" in values
    for _, answers in everything:
        given = [answer["value"] for answer in answers if answer["value"] is not None]
        assert len(set(given)) > 1
        assert len(given) > 100
