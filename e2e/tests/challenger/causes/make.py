"""Makes the models and the baseline of the story about causes: model.onnx, flipped.onnx and baseline.json.

    PYTHONPATH=… python make.py        with the packages of server-image/tests/reference/requirements.txt

A row has seven features. The label is 1 if `speed` is large, in three of ten rows; `flipped.onnx` answers the opposite. The training data
are 60 days, a row every two minutes. Their `load` follows the hour of the day, in UTC.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto as T
from onnx import helper as h

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "python" / "src"))

from understudy import baseline

ROWS = 60 * 24 * 30
# 70 % of a standard normal distribution are below it.
THRESHOLD = 0.5244


def model(comparison: str) -> bytes:
    numbers = ["amount", "humidity", "age", "load", "speed"]
    inputs = [h.make_tensor_value_info(name, T.FLOAT, ["n", 1]) for name in numbers]
    inputs += [h.make_tensor_value_info(name, T.STRING, ["n", 1]) for name in ["shop", "region"]]
    nodes = [h.make_node(comparison, ["speed", "threshold"], ["large"]), h.make_node("Cast", ["large"], ["label"], to=T.INT64)]
    outputs = [h.make_tensor_value_info("label", T.INT64, ["n", 1])]
    threshold = h.make_tensor("threshold", T.FLOAT, [1], [THRESHOLD])
    graph = h.make_graph(nodes, "causes", inputs, outputs, [threshold])
    made = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def rows() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    random = np.random.default_rng(12)
    time = pd.Series(pd.Timestamp("2026-09-01", tz="UTC") + pd.to_timedelta(2 * np.arange(ROWS), unit="min"))
    normal = lambda mean, deviation: random.normal(mean, deviation, ROWS).astype(np.float32)
    speed = normal(0, 1)
    inputs = pd.DataFrame(
        {
            "amount": normal(60, 12),
            "humidity": normal(50, 10),
            "age": normal(40, 12),
            "load": normal(100 + 30 * np.sin(2 * np.pi * time.dt.hour / 24), 10),
            "speed": speed,
            "shop": random.choice(["Delft", "Gouda", "Leiden"], ROWS, p=[0.5, 0.3, 0.2]),
            "region": random.choice(["north", "south"], ROWS),
        }
    )
    return inputs, pd.DataFrame({"label": (speed > THRESHOLD).astype(np.int64)}), time


inputs, outputs, time = rows()
(HERE / "model.onnx").write_bytes(model("Greater"))
(HERE / "flipped.onnx").write_bytes(model("LessOrEqual"))
(HERE / "baseline.json").write_text(baseline.dump(baseline.of(inputs, outputs, time=time, window="10h", season="hour")))
