"""Makes the baseline of a ModelVersion: the distribution of its training data, column by column.

The server compares the inputs and outputs of a model with the baseline and reports the columns that have drifted. The
file is small JSON. Store it next to the model, and put its URI and its sha256 into `spec.baseline`.

As a command, from CSV or Parquet files:

    python samples/baseline.py train.csv --outputs predictions.parquet -o baseline.json

As a function, from pandas DataFrames:

    from baseline import baseline, dump
    predictions = pd.DataFrame({"label": label, "probabilities": list(probabilities)})
    Path("baseline.json").write_text(dump(baseline(train_x, predictions)))

**Columns** have the model's names: the features of a vector are in the model's `feature_names`, every other input or
output has the name of its tensor. Use `--drop` for columns that are not an input of the model. `outputs` are the
model's responses to the training rows or, better, to held-out rows. A cell may be a list or an array, as in the output
`probabilities`, or a dictionary by class. Up to 32 numbers in a cell of an output are columns of their own:
`probabilities[0]`, `probabilities[1]`, or `probabilities[malignant]` by class. Of two classes only the second is counted,
because the first follows from it. All elements of any other list are values of one column.

**Categories** are counted by their text. These columns have categories: text, booleans, pandas' category, whole numbers
with at most 20 distinct values (each at least twice on average), and the columns of `--categorical`. The 256 most
frequent categories are listed, all others count as `other`.

**Numbers** are counted in bins with about the same number of training values each. A very frequent value has its own
bin. The edges lie between values that occur. So a value stays in its bin when it is sent as a float32, unless its
neighbour is the same float32. Only the outer edges may be values that occur. Infinite values are counted in the outer
bins.

**Chunks** show how much the distribution of the training data varies from one part to the next: the rows are cut into up to
50 parts, and each is counted by itself. Then a window of calls is compared with such parts, not with chance alone. Without a
time the rows are cut in their order, so keep the order of time if they have one. With `--time` they are sorted by it. Best
is `--window` as well, with the length of the deployment's `spec.drift.window`: then each chunk is a window of that length.
Chunks of rows in random order vary by chance alone.

**Seasons** are periods that repeat: the hours of a day, the days of a week, or the hours of a week, in UTC. With `--season`
the training data are counted for each period, so that a night is compared with nights.

    python samples/baseline.py train.csv --time created --window 1h --season hour --outputs predictions.csv -o baseline.json

The rows of `outputs` belong to the rows of the inputs in the same order. If their numbers differ, outputs have no chunks
and no seasons.

**Types.** Each column has the type of its values: `float`, `integer`, `boolean` or `text`. Floats are `float` even if all of
them are whole. Exception: pandas reads a column of whole numbers with missing values as float64, so that is `integer`.

The same rows give the same bytes. stats/src/baseline.rs reads the file and documents every field.
"""

import argparse
import hashlib
import json
import math
import numbers
import re
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

# The limits of stats/src/baseline.rs.
MOST_BYTES = 4 << 20
MOST_COLUMNS = 1024
MOST_BINS = 64
MOST_CATEGORIES = 256
LONGEST_NAME = 256

# Whole numbers with at most this many distinct values are codes or small counts: categories describe them better than
# bins.
FEW = 20

# Numbers in a cell of an output that are columns of their own, as in server-image/src/columns.rs.
MOST_SCORES = 32
NESTED = (list, tuple, np.ndarray, dict)

# Significant digits of an edge, a mean or a deviation. Values that are very close together get more.
DIGITS = 6

# Chunks of the training data. With fewer chunks, or fewer rows in one, nobody can tell how much chunks vary.
MOST_CHUNKS = 50
FEWEST_CHUNKS = 10
FEWEST_ROWS = 100

# The periods of each season, and the period of a time in seconds since 1970, a Thursday.
HOUR, DAY = 3600, 86400
SEASONS = {
    "hour": (24, lambda seconds: seconds // HOUR % 24),
    "weekday": (7, lambda seconds: (seconds // DAY + 3) % 7),
    "hourOfWeek": (168, lambda seconds: (seconds // DAY + 3) % 7 * 24 + seconds // HOUR % 24),
}

# The limits of spec.drift.window.
SHORTEST_WINDOW, LONGEST_WINDOW = 10, 7 * DAY
UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}

# Separators of JSON without spaces.
SHORT = (",", ":")

# Numbers of seconds above this are not seconds: it is the year 5138.
LATEST = 1e11


@dataclass
class Parts:
    """The chunk and the period of each row. A row in no chunk has -1."""

    chunks: int
    chunk: np.ndarray
    season: str | None
    periods: int
    period: np.ndarray

    def of(self, rows: np.ndarray) -> "Parts":
        return Parts(self.chunks, self.chunk[rows], self.season, self.periods, self.period[rows])

    def rows(self) -> list[list[int]]:
        """The rows of each chunk, by period."""
        inside = self.chunk >= 0
        return table(self.chunk[inside], self.chunks, self.period[inside], self.periods)


def baseline(
    inputs: pd.DataFrame,
    outputs: pd.DataFrame | None = None,
    bins: int = 10,
    categorical: tuple[str, ...] | list[str] = (),
    time: pd.Series | None = None,
    window: str | None = None,
    season: str | None = None,
) -> dict:
    """The baseline of the columns of `inputs` and `outputs`, for `dump`.

    `categorical` lists columns of either frame to count as categories in any case. A column without a value is left
    out, with a warning. `time` has the time of each row, `window` the length of a chunk (`"1h"`), and `season` is
    `"hour"`, `"weekday"` or `"hourOfWeek"`.
    """
    if not 1 <= bins <= MOST_BINS:
        raise ValueError(f"{bins} bins: use 1 to {MOST_BINS}")
    frames = [("input", inputs)] + ([] if outputs is None else [("output", outputs)])
    unknown = set(categorical) - {str(name) for _, frame in frames for name in frame.columns}
    if unknown:
        raise ValueError(f"categorical lists columns that do not exist: {', '.join(sorted(unknown))}")
    parts = parts_of(len(inputs), time, window, season)
    columns = []
    for role, frame in frames:
        aligned = len(frame) == len(inputs)
        if not aligned and (parts.chunks or season):
            rows = f"{len(frame)} rows of outputs, {len(inputs)} of inputs"
            warnings.warn(f"{rows}: outputs get no chunks and no seasons", stacklevel=2)
        values = {str(name): frame.iloc[:, place] for place, name in enumerate(frame.columns)}
        check_names(role, [str(name) for name in frame.columns])
        if role == "output":
            values = scores(values)
            check_names(role, list(values))
        for name, series in values.items():
            counted = count(f"{role} {name}", series, bins, name in categorical, parts if aligned else None)
            if counted is not None:
                columns.append({"role": role, "name": name, **counted})
    if not columns:
        raise ValueError("no column has a value")
    made = {"version": 1, "columns": columns}
    if season:
        made["seasons"] = season
    if parts.chunks:
        made["chunks"] = parts.rows()
    return made


def dump(made: dict) -> str:
    """A baseline as JSON, one line for each column. Chunks, and then seasons, are left out if the file is too large with
    them, with a warning."""
    text = as_json(made)
    for field in ("chunks", "seasons"):
        size = len(text.encode())
        if size <= MOST_BYTES or field not in made:
            continue
        advice = "drop columns, or use fewer bins" + (" or --season hour" if made.get("seasons") == "hourOfWeek" else "")
        warnings.warn(
            f"the baseline has {size} bytes, at most {MOST_BYTES} are read: {field} are left out; to keep them, {advice}",
            stacklevel=2,
        )
        made = without(field, made) | {"columns": [without(field, column) for column in made["columns"]]}
        text = as_json(made)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(f"the baseline has {size} bytes, at most {MOST_BYTES} are read: use fewer columns or bins")
    return text


def as_json(made: dict) -> str:
    columns = ",\n".join("{" + fields(column) + "}" for column in made["columns"])
    more = {key: value for key, value in made.items() if key not in ("version", "columns")}
    return '{"version": 1, "columns": [\n' + columns + "\n]" + (", " + fields(more) if more else "") + "}\n"


def fields(of: dict) -> str:
    """The fields of a JSON object. Tables of counts are without spaces: they are most of the file."""

    def text_of(value) -> str:
        is_table = isinstance(value, list) and isinstance(value[0], list)
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=SHORT if is_table else None)

    return ", ".join(f"{json.dumps(key)}: {text_of(value)}" for key, value in of.items())


def without(field: str, of: dict) -> dict:
    return {key: value for key, value in of.items() if key != field}


def parts_of(rows: int, time: pd.Series | None, window: str | None, season: str | None) -> Parts:
    """The chunk and the period of each of so many rows."""
    for name, given in (("window", window), ("season", season)):
        if given and time is None:
            raise ValueError(f"{name} needs the time of each row: add --time COLUMN")
    if season and season not in SEASONS:
        raise ValueError(f"season {season}: use {', '.join(SEASONS)}")
    if time is None:
        return Parts(*equal_chunks(np.arange(rows)), None, 1, np.zeros(rows, np.int64))
    seconds = seconds_of(time)
    if len(seconds) != rows:
        raise ValueError(f"{len(seconds)} times for {rows} rows: use one for each")
    chunks = windows(seconds, seconds_of_window(window)) if window else equal_chunks(np.argsort(seconds, kind="stable"))
    if season is None:
        return Parts(*chunks, None, 1, np.zeros(rows, np.int64))
    periods, period_of = SEASONS[season]
    period = period_of(seconds)
    if empty := periods - len(np.unique(period)):
        warnings.warn(f"{empty} of {periods} periods of season {season} have no row", stacklevel=3)
    return Parts(*chunks, season, periods, period)


def equal_chunks(order: np.ndarray) -> tuple[int, np.ndarray]:
    """The rows in this order, cut into chunks of about the same number of rows."""
    rows = len(order)
    chunks = min(MOST_CHUNKS, rows // FEWEST_ROWS)
    chunk = np.full(rows, -1)
    if chunks < FEWEST_CHUNKS:
        return 0, chunk
    chunk[order] = np.arange(rows) * chunks // rows
    return chunks, chunk


def windows(seconds: np.ndarray, length: int) -> tuple[int, np.ndarray]:
    """A chunk for each window with enough rows. Of many, some that are evenly spread over the time."""
    window, rows = np.unique(seconds // length, return_counts=True)
    enough = window[rows >= FEWEST_ROWS]
    chunk = np.full(len(seconds), -1)
    if len(enough) < FEWEST_CHUNKS:
        warnings.warn(
            f"no chunks: only {len(enough)} windows have at least {FEWEST_ROWS} rows, {FEWEST_CHUNKS} are needed; use more"
            " rows or a longer window",
            stacklevel=4,
        )
        return 0, chunk
    if len(enough) > MOST_CHUNKS:
        enough = enough[np.linspace(0, len(enough) - 1, MOST_CHUNKS).round().astype(np.int64)]
    place = np.searchsorted(enough, seconds // length)
    found = enough[np.minimum(place, len(enough) - 1)] == seconds // length
    return len(enough), np.where(found, place, -1)


def seconds_of_window(text: str) -> int:
    if not re.fullmatch(r"(\d+[smhd])+", text):
        raise ValueError(f"window {text}: use a number with s, m, h or d, such as 10m, 1h or 7d")
    seconds = sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))
    if not SHORTEST_WINDOW <= seconds <= LONGEST_WINDOW:
        raise ValueError(f"window {text}: use 10s to 7d, as in spec.drift.window")
    return seconds


def seconds_of(time: pd.Series) -> np.ndarray:
    """Whole seconds since 1970 of ISO texts, datetimes or seconds since 1970. A time without a zone is in UTC."""
    time = pd.Series(time)
    if missing := int(time.isna().sum()):
        raise ValueError(f"{missing} rows have no time: drop these rows")
    if types.is_numeric_dtype(time):
        seconds = time.to_numpy(dtype=np.float64)
        if not (np.abs(seconds) < LATEST).all():
            raise ValueError("a time is not a number of seconds since 1970: divide milliseconds by 1000")
        return np.floor(seconds).astype(np.int64)
    try:
        # Without this format, pandas guesses from the first row whether days or months come first.
        times = pd.to_datetime(time, utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"a time is neither an ISO text nor a datetime nor seconds since 1970: {reason}") from None
    return ((times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)).to_numpy(dtype=np.int64)


def table(row: np.ndarray, rows: int, column: np.ndarray, columns: int) -> list[list[int]]:
    """How often each pair occurs, as a list of rows."""
    return np.bincount(row * columns + column, minlength=rows * columns).reshape(rows, columns).tolist()


def check_names(role: str, names: list[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise ValueError(f"{len(names)} {role}s, the limit is {MOST_COLUMNS}: drop the least important ones")
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{role} {name} exists {times} times: rename or drop all but one")
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"{role} {name!r}: a name must have 1 to {LONGEST_NAME} characters")


def count(what: str, series: pd.Series, bins: int, categorical: bool, parts: Parts | None) -> dict | None:
    """The kind, the counts, the number of missing values and the type of one column, and its counts by chunk and season."""
    series, row = flat(series)
    present = series.notna().to_numpy()
    values = series[present]
    missing = len(series) - len(values)
    if series.dtype == object and len(values) and all(is_number(value) for value in values):
        values = pd.to_numeric(values)
    if types.is_complex_dtype(values) or types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        raise ValueError(f"{what} is of type {values.dtype}: convert it to the numbers that the model gets")

    counted, place, more = None, np.array([]), {}
    if values.empty:
        pass
    elif categorical or not types.is_numeric_dtype(values) or types.is_bool_dtype(values) or few(values):
        counted, place = categories(what, values)
        cells = len(counted["counts"]) + 1
    else:
        floats = values.to_numpy(dtype=np.float64)
        counted, place = numeric(floats, bins)
        if counted is not None:
            cells = len(counted["counts"])
            more = moments(floats[np.isfinite(floats)])
    if counted is None:
        warnings.warn(f"{what} has no value and is left out", stacklevel=3)
        return None
    counted |= {"missing": missing, "type": type_of(series, values), **more}
    if parts is not None and (parts.chunks or parts.season):
        # The cells of a part: its bins or its categories and all others, then its missing values.
        cell = np.full(len(series), cells)
        cell[present] = place
        of = parts.of(row)
        if parts.chunks:
            inside = of.chunk >= 0
            counted["chunks"] = table(of.chunk[inside], parts.chunks, cell[inside], cells + 1)
        if parts.season:
            counted["seasons"] = table(of.period, parts.periods, cell, cells + 1)
    return counted


def type_of(series: pd.Series, values: pd.Series) -> str:
    """The type of the values of a column, of which `values` are those that are not missing."""
    kind = values.cat.categories.dtype if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
    if types.is_bool_dtype(kind) or (kind == object and all(isinstance(value, (bool, np.bool_)) for value in values)):
        return "boolean"
    if types.is_integer_dtype(kind):
        return "integer"
    if types.is_float_dtype(kind):
        # A float64 column is how pandas holds whole numbers with gaps. No other type of floats has that use.
        gaps = series.dtype == np.float64 and len(values) < len(series)
        finite = values.to_numpy(dtype=np.float64) if gaps else np.array([])
        finite = finite[np.isfinite(finite)]
        return "integer" if finite.size and (finite == np.trunc(finite)).all() else "float"
    return "text"


def moments(finite: np.ndarray) -> dict:
    """The mean and the population's standard deviation, without overflow, and the same on every processor."""
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return {"mean": significant(low, 0.0), "deviation": 0.0}
    # A power of two changes no digit.
    exponent = math.frexp(max(abs(low), abs(high)))[1]
    scaled = np.ldexp(finite, -exponent)
    mean = math.fsum(scaled) / len(scaled)
    deviation = math.sqrt(math.fsum((scaled - mean) ** 2) / len(scaled))
    mean, deviation = math.ldexp(mean, exponent), math.ldexp(deviation, exponent)
    return {"mean": significant(mean, deviation / 1000), "deviation": significant(deviation, math.inf)}


def significant(value: float, close: float) -> float:
    """The value with few digits, so many that it stays so close. `+ 0.0` makes no number negative zero."""
    for digits in range(DIGITS, 18):
        rounded = float(f"{value:.{digits - 1}e}")
        if abs(rounded - value) <= close:
            break
    return rounded + 0.0


def scores(outputs: dict[str, pd.Series]) -> dict[str, pd.Series]:
    """The outputs with a column for each number of a row, as the server counts them."""
    has_label = any(series.dtype == object and not nested(series) for series in outputs.values()) or any(
        not types.is_float_dtype(series) for series in outputs.values() if series.dtype != object
    )
    columns = {}
    for name, series in outputs.items():
        cells = [each if isinstance(each, dict) else dict(enumerate(np.ravel(each))) for each in series] if nested(series) else []
        classes = list(cells[0]) if cells else []
        if not 2 <= len(classes) <= MOST_SCORES or any(list(cell) != classes for cell in cells):
            columns[name] = series
            continue
        named = any(isinstance(each, dict) for each in series)
        for index in classes[1:] if len(classes) == 2 and (has_label or named) else classes:
            columns[f"{name}[{text(index)}]"] = pd.Series([cell[index] for cell in cells])
    return columns


def nested(series: pd.Series) -> bool:
    """Whether every cell is a list, an array or a dictionary."""
    return series.dtype == object and len(series) > 0 and all(isinstance(cell, NESTED) for cell in series)


def flat(series: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """If cells are lists or arrays: all their elements. Otherwise the series itself. And the row of each value."""
    if series.dtype != object or not any(isinstance(cell, NESTED) for cell in series):
        return series, np.arange(len(series))
    if any(isinstance(cell, dict) for cell in series):
        raise ValueError("the scores of a row have other classes than those of the row before it, or more than 32")
    cells = [np.ravel(cell) if isinstance(cell, NESTED) else [cell] for cell in series]
    elements = pd.Series([each for cell in cells for each in cell]).infer_objects()
    return elements, np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])


def is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def few(values: pd.Series) -> bool:
    """Whether these are whole numbers with few distinct values, each of them a category."""
    distinct = values.nunique()
    if distinct > FEW or 2 * distinct > len(values):
        return False
    return all(np.isfinite(value) and value == int(value) for value in values.unique())


def categories(what: str, values: pd.Series) -> tuple[dict, list[int]]:
    """The counts by category, and the place of each value: that of its category, or the one after the last."""
    counts = Counter()
    try:
        distinct = Counter(values)
    except TypeError as error:
        raise ValueError(f"{what} has values that cannot be categories: {error}") from None
    for value, times in distinct.items():
        counts[text(value)] += times
    other = sum(counts.pop(name) for name in list(counts) if len(name) > LONGEST_NAME)
    named = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    other += sum(times for _, times in named[MOST_CATEGORIES:])
    listed = dict(sorted(named[:MOST_CATEGORIES]))
    places = {name: place for place, name in enumerate(listed)}
    place_of = {value: places.get(text(value), len(listed)) for value in distinct}
    return {"kind": "categorical", "counts": listed, "other": other}, [place_of[value] for value in values]


def text(value) -> str:
    """The name of a value's category. The server makes the same name of the value."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if is_number(value):
        if np.isfinite(value) and value == int(value):
            return str(int(value))
        return str(value)
    return str(value)


def numeric(values: np.ndarray, bins: int) -> tuple[dict | None, np.ndarray]:
    """The bins with their counts, and the bin of each value."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None, np.array([])
    edges = edges_of(finite, bins)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    return {"kind": "numeric", "edges": edges, "counts": [int(each) for each in counts]}, place


def edges_of(values: np.ndarray, bins: int) -> list[float]:
    """Strictly increasing edges of at most `bins` bins. No value is below the first or above the last edge."""
    distinct, times = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        return edges_of_constant(float(distinct[0]))
    # The number of values below each gap between two distinct values.
    below = np.cumsum(times)[:-1]
    gaps = []
    for left in range(bins, 1, -1):
        done, first = (below[gaps[-1]], gaps[-1] + 1) if gaps else (0, 0)
        if first == len(below):
            break
        # The next bin's share of the remaining values, so that one frequent value does not take the bins of the others.
        share = done + (len(values) - done) / left
        after = np.searchsorted(below, share)
        nearby = np.clip([after - 1, after], first, len(below) - 1)
        gaps.append(int(min(nearby, key=lambda gap: abs(below[gap] - share))))
    cuts = [between(float(distinct[gap]), float(distinct[gap + 1])) for gap in gaps]
    low, high = float(distinct[0]), float(distinct[-1])
    spread = high - low
    return [outward(low, spread, ROUND_FLOOR), *cuts, outward(high, spread, ROUND_CEILING)]


def edges_of_constant(value: float) -> list[float]:
    """A bin around the value and an empty bin on each side, for other values."""
    width = abs(value) / 1000 or 0.001
    return [float(f"{value + step * width:.{DIGITS - 1}e}") for step in (-2, -1, 1, 2)]


def between(low: float, high: float) -> float:
    """A number with few digits, about halfway between two numbers."""
    half, quarter = low / 2 + high / 2, high / 4 - low / 4
    for digits in range(DIGITS, 18):
        rounded = float(f"{half:.{digits - 1}e}")
        if abs(rounded - half) <= quarter and low < rounded < high:
            return rounded
    # No float64 lies between them. A bin includes its lower edge, so this edge separates them as well.
    return high


def outward(value: float, spread: float, rounding: str) -> float:
    """A number with few digits, equal to the outermost value or slightly outside."""
    with np.errstate(over="ignore"):
        exact = float(np.float32(value)) == value
    if not exact:
        # As a float32 the value may be slightly further outside.
        margin = abs(value) * 2.0**-23
        value += margin if rounding == ROUND_CEILING else -margin
    for digits in range(DIGITS, 18):
        rounded = float(Context(prec=digits, rounding=rounding).create_decimal(Decimal(value)))
        if abs(rounded - value) <= spread / 1000:
            return rounded
    return value


def read(path: Path) -> pd.DataFrame:
    if path.suffix in {".parquet", ".pq"}:
        return pd.read_parquet(path)
    # Only the usual marks of a missing value in CSV: `NA` may be Namibia.
    return pd.read_csv(path, keep_default_na=False, na_values=["", "nan", "NaN"])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("inputs", type=Path, help="training rows, .csv or .parquet")
    arguments.add_argument("--outputs", type=Path, help="the model's responses to such rows, .csv or .parquet")
    arguments.add_argument("-o", "--output", type=Path, help="where to write the baseline (default: standard output)")
    arguments.add_argument("--bins", type=int, default=10, help="bins of a numeric column (default: 10)")
    arguments.add_argument(
        "--categorical", action="append", default=[], metavar="COLUMN", help="count it as categories; may be repeated"
    )
    arguments.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="leave it out; may be repeated"
    )
    arguments.add_argument(
        "--time",
        metavar="COLUMN",
        help="the time of each row: ISO text, datetime or seconds since 1970, in UTC without a zone. It is not an input",
    )
    arguments.add_argument(
        "--window", help="length of a chunk of the training data: spec.drift.window, such as 10m, 1h or 7d"
    )
    arguments.add_argument("--season", choices=SEASONS, help="count each period of the day or the week, in UTC")
    chosen = arguments.parse_args()
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    try:
        inputs = read(chosen.inputs)
        outputs = read(chosen.outputs) if chosen.outputs else None
        there = set(inputs.columns) | set(() if outputs is None else outputs.columns)
        if absent := set(chosen.drop) - there:
            raise ValueError(f"--drop lists columns that do not exist: {', '.join(sorted(absent))}")
        time = None
        if chosen.time is not None:
            if chosen.time not in inputs.columns:
                raise ValueError(f"--time {chosen.time}: the inputs have no such column")
            time = inputs[chosen.time]
            inputs = inputs.drop(columns=chosen.time)
        inputs = inputs.drop(columns=chosen.drop, errors="ignore")
        outputs = None if outputs is None else outputs.drop(columns=chosen.drop, errors="ignore")
        made = baseline(inputs, outputs, chosen.bins, chosen.categorical, time, chosen.window, chosen.season)
        made = dump(made)
        if chosen.output:
            chosen.output.write_text(made, encoding="utf-8", newline="\n")
        else:
            sys.stdout.write(made)
    except (OSError, ValueError) as error:
        print(f"baseline.py: {error}", file=sys.stderr)
        return 1
    print(f"sha256: {hashlib.sha256(made.encode()).hexdigest()}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
