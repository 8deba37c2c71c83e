"""Answers of the libraries from which the documents were made (see make_fixtures.py)."""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from understudy.convert.coreml import to_onnx

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.mlmodel"))


def feed(session, rows):
    inputs = session.get_inputs()
    if len(inputs) == 1:
        return {inputs[0].name: rows}
    return {x.name: rows[:, [i]] for i, x in enumerate(inputs)}


def test_the_fixtures_are_here():
    assert len(NAMES) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_a_converted_document_gives_the_answers_of_its_source(name):
    recorded = np.load(FIXTURES / f"{name}.npz")
    converted = to_onnx((FIXTURES / f"{name}.mlmodel").read_bytes())
    session = ort.InferenceSession(converted.model.SerializeToString())
    assert len(recorded["rows"]) >= 500
    answers = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed(session, recorded["rows"])), strict=True))
    if "prediction" in recorded:
        np.testing.assert_allclose(answers["prediction"][:, 0], recorded["prediction"], rtol=1e-5, atol=1e-5)
        return
    np.testing.assert_allclose(answers["probabilities"], recorded["probabilities"], rtol=1e-5, atol=1e-6)
    order = np.sort(recorded["probabilities"], axis=1)
    clear = order[:, -1] - order[:, -2] > 1e-5  # Libraries break ties in their own way.
    assert clear.sum() > 400
    assert (answers["label"][clear] == recorded["label"][clear]).all()
    labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
    assert labels == sorted(labels)
    assert answers["label"].tolist() == [labels[i] for i in answers["probabilities"].argmax(axis=1)]
