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

The same rows give the same bytes. stats/src/baseline.rs reads the file and documents every field.
"""

import argparse
import hashlib
import json
import numbers
import sys
import warnings
from collections import Counter
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

# Significant digits of an edge. Values that are very close together get more.
DIGITS = 6


def baseline(
    inputs: pd.DataFrame,
    outputs: pd.DataFrame | None = None,
    bins: int = 10,
    categorical: tuple[str, ...] | list[str] = (),
) -> dict:
    """The baseline of the columns of `inputs` and `outputs`, for `dump`.

    `categorical` lists columns of either frame to count as categories in any case. A column without a value is left
    out, with a warning.
    """
    if not 1 <= bins <= MOST_BINS:
        raise ValueError(f"{bins} bins: use 1 to {MOST_BINS}")
    frames = [("input", inputs)] + ([] if outputs is None else [("output", outputs)])
    unknown = set(categorical) - {str(name) for _, frame in frames for name in frame.columns}
    if unknown:
        raise ValueError(f"categorical lists columns that do not exist: {', '.join(sorted(unknown))}")
    columns = []
    for role, frame in frames:
        values = {str(name): frame.iloc[:, place] for place, name in enumerate(frame.columns)}
        check_names(role, [str(name) for name in frame.columns])
        if role == "output":
            values = scores(values)
            check_names(role, list(values))
        for name, series in values.items():
            counted = count(f"{role} {name}", series, bins, name in categorical)
            if counted is not None:
                columns.append({"role": role, "name": name, **counted})
    if not columns:
        raise ValueError("no column has a value")
    return {"version": 1, "columns": columns}


def dump(made: dict) -> str:
    """A baseline as JSON, one line for each column."""
    lines = [json.dumps(column, ensure_ascii=False, allow_nan=False) for column in made["columns"]]
    text = '{"version": 1, "columns": [\n' + ",\n".join(lines) + "\n]}\n"
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(f"the baseline has {size} bytes, at most {MOST_BYTES} are read: use fewer columns or bins")
    return text


def check_names(role: str, names: list[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise ValueError(f"{len(names)} {role}s, the limit is {MOST_COLUMNS}: drop the least important ones")
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(f"{role} {name} exists {times} times: rename or drop all but one")
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"{role} {name!r}: a name must have 1 to {LONGEST_NAME} characters")


def count(what: str, series: pd.Series, bins: int, categorical: bool) -> dict | None:
    """The kind, the counts and the number of missing values of one column."""
    series = flat(series)
    values = series.dropna()
    missing = len(series) - len(values)
    if series.dtype == object and all(is_number(value) for value in values):
        values = pd.to_numeric(values)
    if types.is_complex_dtype(values) or types.is_datetime64_any_dtype(values) or types.is_timedelta64_dtype(values):
        raise ValueError(f"{what} is of type {values.dtype}: convert it to the numbers that the model gets")

    if values.empty:
        counted = None
    elif categorical or not types.is_numeric_dtype(values) or types.is_bool_dtype(values) or few(values):
        counted = categories(what, values)
    else:
        counted = numeric(values.to_numpy(dtype=np.float64), bins)
    if counted is None:
        warnings.warn(f"{what} has no value and is left out", stacklevel=3)
        return None
    return {**counted, "missing": missing}


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


def flat(series: pd.Series) -> pd.Series:
    """If cells are lists or arrays: all their elements. Otherwise the series itself."""
    if series.dtype != object or not any(isinstance(cell, NESTED) for cell in series):
        return series
    if any(isinstance(cell, dict) for cell in series):
        raise ValueError("the scores of a row have other classes than those of the row before it, or more than 32")
    elements = [each for cell in series for each in (np.ravel(cell) if isinstance(cell, NESTED) else [cell])]
    return pd.Series(elements).infer_objects()


def is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def few(values: pd.Series) -> bool:
    """Whether these are whole numbers with few distinct values, each of them a category."""
    distinct = values.nunique()
    if distinct > FEW or 2 * distinct > len(values):
        return False
    return all(np.isfinite(value) and value == int(value) for value in values.unique())


def categories(what: str, values: pd.Series) -> dict:
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
    return {"kind": "categorical", "counts": dict(sorted(named[:MOST_CATEGORIES])), "other": other}


def text(value) -> str:
    """The name of a value's category. The server makes the same name of the value."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if is_number(value):
        if np.isfinite(value) and value == int(value):
            return str(int(value))
        return str(value)
    return str(value)


def numeric(values: np.ndarray, bins: int) -> dict | None:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    edges = edges_of(finite, bins)
    place = np.searchsorted(edges, values, side="right") - 1
    counts = np.bincount(np.clip(place, 0, len(edges) - 2), minlength=len(edges) - 1)
    return {"kind": "numeric", "edges": edges, "counts": [int(each) for each in counts]}


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
    chosen = arguments.parse_args()
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    try:
        inputs = read(chosen.inputs)
        outputs = read(chosen.outputs) if chosen.outputs else None
        there = set(inputs.columns) | set(() if outputs is None else outputs.columns)
        if absent := set(chosen.drop) - there:
            raise ValueError(f"--drop lists columns that do not exist: {', '.join(sorted(absent))}")
        inputs = inputs.drop(columns=chosen.drop, errors="ignore")
        outputs = None if outputs is None else outputs.drop(columns=chosen.drop, errors="ignore")
        made = dump(baseline(inputs, outputs, chosen.bins, chosen.categorical))
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
