"""Writes baseline-chunks.json: a baseline with chunks and seasons, for the tests of the code that reads it.

    python stats/tests/chunks.py            writes the file
    python stats/tests/chunks.py --check    writes nothing, and fails if it would change

Row i is at 2026-01-01T00:00:00Z plus 30 i seconds, so an hour has 120 rows. No row is random: a test can make the same.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "python" / "src"))

from understudy import baseline

# 26 hours: the hours 0 and 1 occur twice.
ROWS = 26 * 120


def rows() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """The inputs, the outputs and the time of each row."""
    i = np.arange(ROWS)
    hour = i // 120 % 24
    temperature = 10 + hour + i * 37 % 101 / 10
    visits = np.where(i % 53 == 0, np.nan, hour * 2 + i % 60)
    country = np.select([i % 7 < 3, i % 7 == 3, i % 41 == 0], ["DE", "NL", ""], "FR")
    inputs = pd.DataFrame(
        {
            "temperature": temperature,
            "visits": visits,
            "country": pd.Series(country).replace("", None),
            "member": i % 5 == 0,
        }
    )
    outputs = pd.DataFrame({"label": i % 11 % 3, "score": (i * 13 % 1000) / 1000})
    return inputs, outputs, pd.Series(pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(i * 30, unit="s"))


def main() -> int:
    inputs, outputs, time = rows()
    made = baseline.dump(baseline.of(inputs, outputs, time=time, window="1h", season="hour")).encode()
    path = HERE / "baseline-chunks.json"
    if sys.argv[1:] == ["--check"]:
        return 0 if path.read_bytes() == made else f"{path} is not what this script writes"
    path.write_bytes(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
