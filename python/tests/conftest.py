"""Data and models that several tests use."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

warnings.filterwarnings("ignore", module="skl2onnx")


@pytest.fixture(scope="session")
def payments() -> tuple[pd.DataFrame, pd.Series]:
    """Payments with numbers, whole numbers, booleans and texts, some of them missing, and whether they are fraud."""
    random = np.random.default_rng(7)
    rows = 1200
    frame = pd.DataFrame(
        {
            "amount": random.lognormal(3, 1, rows),
            "age": random.integers(18, 90, rows),
            "vip": random.random(rows) < 0.3,
            "country": random.choice(["NL", "DE", "FR"], rows),
            "channel": random.choice(["web", "app"], rows),
        }
    )
    fraud = (frame["amount"] > 20) ^ (frame["country"] == "NL") ^ frame["vip"]
    frame.loc[random.random(rows) < 0.1, "amount"] = np.nan
    frame.loc[random.random(rows) < 0.1, "channel"] = np.nan
    return frame, fraud.astype(int)
