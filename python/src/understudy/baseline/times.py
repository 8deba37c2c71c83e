"""The time of each row, and the length of a window, in seconds."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from understudy.baseline.seasons import DAY, HOUR

# The limits of spec.drift.window.
SHORTEST_WINDOW, LONGEST_WINDOW = 10, 7 * DAY
UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}

# Numbers of seconds above this are not seconds: it is the year 5138.
LATEST = 1e11


def seconds_of_window(text: str) -> int:
    """The seconds of a window such as `1h` or `1h30m`."""
    if not re.fullmatch(r"(\d+[smhd])+", text):
        raise ValueError(f"window {text}: use a number with s, m, h or d, such as 10m, 1h or 7d")
    seconds = sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))
    if not SHORTEST_WINDOW <= seconds <= LONGEST_WINDOW:
        raise ValueError(f"window {text}: use 10s to 7d, as in spec.drift.window")
    return seconds


def seconds_of(time: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    """Whole seconds since 1970 of ISO texts, datetimes or seconds since 1970. A time without a zone is in UTC."""
    time = pd.Series(time)
    if missing := int(time.isna().sum()):
        raise ValueError(f"{missing} rows have no time: drop these rows")
    if types.is_numeric_dtype(time):
        seconds = time.to_numpy(dtype=np.float64)
        if not (np.abs(seconds) < LATEST).all():
            raise ValueError("a time is not a number of seconds since 1970: divide milliseconds by 1000")
        whole: npt.NDArray[np.int64] = np.floor(seconds).astype(np.int64)
        return whole
    try:
        # Without this format, pandas guesses from the first row whether days or months come first.
        times = pd.to_datetime(time, utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"a time is neither an ISO text nor a datetime nor seconds since 1970: {reason}") from None
    since = (times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
    return since.to_numpy().astype(np.int64)
