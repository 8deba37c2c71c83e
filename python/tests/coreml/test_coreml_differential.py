"""Random pipelines: the converted model and the interpreter of Apple's specification give the same answers."""

import os
import random

import numpy as np
import onnxruntime as ort
import pytest
from coreml_documents import pipeline, rows
from coreml_interpreter import predict

from understudy.convert.coreml import to_onnx

# COREML_SEEDS=100000 runs it long.
SEEDS = int(os.environ.get("COREML_SEEDS", "150"))


def tensors(asked):
    return {
        "x": np.array([[r["x"]] for r in asked]),
        "y": np.array([[r["y"]] for r in asked]),
        "word": np.array([[r["word"]] for r in asked], dtype=object),
        "count": np.array([[float(r["count"])] for r in asked]),
        "row": np.array([r["row"] for r in asked]),
    }


@pytest.mark.parametrize("block", range(10))
def test_a_random_pipeline_answers_as_the_specification_says(block):
    for number in range(block, SEEDS, 10):
        seed = random.Random(number)
        spec, asked = pipeline(seed), rows(seed, 60)
        converted = to_onnx(spec.SerializeToString())
        session = ort.InferenceSession(converted.model.SerializeToString())
        answers = session.run(None, tensors(asked))
        expected = np.array([np.atleast_1d(predict(spec, row)) for row in asked])
        np.testing.assert_allclose(answers[-1], expected, rtol=2e-5, atol=2e-6, err_msg=f"seed {number}")
        assert np.isfinite(expected).any()
