"""A document of another system is published with the answers that this system gave."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from understudy.convert import convert, coreml
from understudy.errors import NotConvertible, UnderstudyError
from understudy.examples import examples
from understudy.load import model_of
from understudy.prepare import Wishes, prepare
from understudy.prove import prove
from understudy.steps import Steps

PMML = Path(__file__).parent.parent / "pmml"
DOCUMENTS = sorted(PMML.glob("documents/*.pmml"))


def recorded(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that were sent to pypmml, and its answers as a table. Rows with missing values, or without an answer, are left out."""
    content = json.loads(gzip.decompress((PMML / "answers" / f"{path.stem}.json.gz").read_bytes()))
    rows = pd.DataFrame(content["fields"])
    answers = pd.DataFrame(content["probabilities"])
    values = pd.Series(content["values"])
    answers["label" if content["probabilities"] or isinstance(values.dropna().iloc[0], str) else "prediction"] = values
    if list(answers.columns) == ["yes", "label"]:
        # R writes one of two classes only.
        answers["no"] = 1 - answers["yes"]
    whole = rows.notna().all(axis=1) & answers.notna().all(axis=1)
    return rows[whole].reset_index(drop=True), answers[whole].reset_index(drop=True)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_pmml_document_is_proven_by_what_its_system_answered(path):
    rows, answers = recorded(path)
    converted = convert(model_of(path), rows, answers=answers)
    proof = prove(converted, rows)
    assert proof.report.proven, proof.report
    assert [part.sort for part in proof.report.parts] == ["recorded rows"]
    assert len(examples(proof.asked, converted.inputs).splitlines()) == min(64, len(rows))


COREML = sorted((PMML.parent / "coreml" / "fixtures").glob("*.mlmodel"))


@pytest.mark.parametrize("path", COREML, ids=lambda path: path.stem)
def test_a_core_ml_document_is_proven_by_what_its_source_answered(path):
    saved = np.load(path.with_suffix(".npz"))
    document = model_of(path)
    made = coreml.to_onnx(document.content).model
    labels = json.loads({each.key: each.value for each in made.metadata_props}.get("labels", "[]"))
    wide = len(made.graph.input) == 1
    names = [f"x{place}" for place in range(saved["rows"].shape[1])] if wide else [each.name for each in made.graph.input]
    rows = pd.DataFrame(saved["rows"], columns=names)
    if labels:
        answers = pd.DataFrame(saved["probabilities"], columns=[str(label) for label in labels]).assign(label=saved["label"])
    else:
        answers = pd.DataFrame({"prediction": saved["prediction"]})
    converted = convert(document, rows, answers=answers)
    report = prove(converted, rows).report
    assert report.proven, report
    assert report.rows >= 500


def test_answers_of_another_model_are_caught():
    path = next(path for path in DOCUMENTS if "prediction" in recorded(path)[1])
    rows, answers = recorded(path)
    answers["prediction"] = answers["prediction"].sample(frac=1, random_state=1).to_numpy()
    report = prove(convert(model_of(path), rows, answers=answers), rows).report
    assert not report.proven


def test_a_document_without_answers_says_what_to_pass():
    with pytest.raises(UnderstudyError, match="pass `answers`, what the original system answered to the test rows"):
        convert(model_of(DOCUMENTS[0]), pd.DataFrame({"x": [1.0]}))


def test_answers_for_other_rows_are_refused():
    rows, answers = recorded(DOCUMENTS[0])
    converted = convert(model_of(DOCUMENTS[0]), rows, answers=answers)
    with pytest.raises(UnderstudyError, match="pass one for each row of the test"):
        prove(converted, rows.head(3))


def test_a_document_that_cannot_be_converted_says_what_to_do(tmp_path):
    (tmp_path / "model.pmml").write_text('<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><NeuralNetwork/></PMML>')
    with pytest.raises(NotConvertible):
        convert(model_of(tmp_path / "model.pmml"), pd.DataFrame({"x": [1.0]}), answers=pd.DataFrame({"prediction": [1.0]}))


def test_all_evidence_is_made_of_a_document_too():
    path = next(path for path in DOCUMENTS if "prediction" in recorded(path)[1])
    rows, answers = recorded(path)
    truth = answers["prediction"] + np.linspace(-1, 1, len(rows))
    prepared = prepare(model_of(path), "score", rows, (rows, truth), Wishes(answers=answers), Steps())
    assert set(prepared.files) == {"artifact", "baseline", "examples"}
    assert {figure.name for figure in prepared.evaluation.figures} == {"r2", "negMae", "negRmse"}
    assert "PMML document: regression" in prepared.markdown
