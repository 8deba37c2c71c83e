"""The chunks and seasons of `understudy baseline`, counted again with pandas."""

import json
import warnings

import numpy as np
import pandas as pd

from table import Table
from understudy import baseline
from understudy.baseline.chunks import FEWEST_ROWS, MOST_CHUNKS

# A row every three minutes is 20 in an hour: 8,000 rows are 400 hours, so a window of six hours has 120 rows.
START, STEP, WINDOW = pd.Timestamp("2026-03-01T22:30:00Z"), 180, "6h"

PERIODS = {
    "hour": (24, lambda time: time.dt.hour),
    "weekday": (7, lambda time: time.dt.dayofweek),
    "hourOfWeek": (168, lambda time: time.dt.dayofweek * 24 + time.dt.hour),
}


def compare(training: pd.DataFrame, table: Table) -> None:
    time = pd.Series(START + pd.to_timedelta(np.arange(len(training)) * STEP, unit="s"))
    for season in (None, *PERIODS):
        windows(training, time, season, table)
    in_order(training, table)
    forms_of_time(training, time, table)
    other_rows(training, time, table)
    too_large(training, time, table)


def made_of(*arguments, **options) -> tuple[dict, list[str]]:
    """The baseline, as it is read from the file, and the warnings."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        text = baseline.dump(baseline.of(*arguments, **options))
    return json.loads(text), [str(each.message) for each in said]


def windows(training: pd.DataFrame, time: pd.Series, season: str | None, table: Table) -> None:
    made, _ = made_of(training, time=time, window=WINDOW, season=season)
    rows = time.groupby(time.dt.floor(WINDOW)).transform("size")
    chunk = time.dt.floor(WINDOW).where(rows >= FEWEST_ROWS)
    starts = sorted(chunk.dropna().unique())
    starts = [starts[place] for place in np.linspace(0, len(starts) - 1, min(MOST_CHUNKS, len(starts))).round().astype(int)]
    periods, period_of = PERIODS.get(season, (1, lambda time: time.dt.hour * 0))
    period = period_of(time)
    expected = [np.bincount(period[chunk == start], minlength=periods).tolist() for start in starts]
    table.same(f"rows of chunks, {season}", made["chunks"], expected)
    for column in made["columns"]:
        name, values = column["name"], training[column["name"]]
        expected = [counts(column, values[chunk == start]) for start in starts]
        table.same(f"chunks of {name}, {season}", column["chunks"], expected)
        if season:
            expected = [counts(column, values[period == each]) for each in range(periods)]
            table.same(f"seasons of {name}, {season}", column["seasons"], expected)
            total = np.sum(column["seasons"], axis=0).tolist()
            table.same(f"sum of the seasons of {name}, {season}", total, counts(column, values))


def counts(column: dict, values: pd.Series) -> list[int]:
    """By bin and missing, or by category, other and missing."""
    missing = int(values.isna().sum())
    if column["kind"] == "numeric":
        return [*np.histogram(values.dropna(), bins=column["edges"])[0].tolist(), missing]
    found = values.dropna().map(lambda value: str(value).lower() if isinstance(value, bool) else str(value)).value_counts()
    named = [int(found.get(name, 0)) for name in column["counts"]]
    return [*named, len(values) - missing - sum(named), missing]


def in_order(training: pd.DataFrame, table: Table) -> None:
    """Without a time, the rows are cut in their order into up to 50 chunks with at least 100 rows."""
    for rows, chunks in ((8_000, 50), (1_234, 12), (1_000, 10)):
        made, _ = made_of(training[:rows])
        parts = np.array_split(np.arange(rows), chunks)
        sizes = [size for (size,) in made["chunks"]]
        table.same(f"{rows} rows in order, sorted sizes", sorted(sizes), sorted(map(len, parts)))
        ends = np.cumsum([0, *sizes])
        same = made["columns"][0]
        expected = [counts(same, training["same"][low:high]) for low, high in zip(ends, ends[1:])]
        table.same(f"{rows} rows in order", same["chunks"], expected)
    made, _ = made_of(training[:999])
    table.same("999 rows in order", "chunks" in made or "chunks" in made["columns"][0], False)


def forms_of_time(training: pd.DataFrame, time: pd.Series, table: Table) -> None:
    """Each form of the same times gives the same file."""
    expected, _ = made_of(training, time=time, window=WINDOW, season="hour")
    forms = {
        "naive": time.dt.tz_localize(None),
        "Berlin": time.dt.tz_convert("Europe/Berlin"),
        "text": time.dt.tz_convert("Europe/Berlin").map(lambda each: each.isoformat()),
        "naive text": time.dt.tz_localize(None).astype(str),
        "seconds": START.timestamp() + np.arange(len(time)) * STEP,
    }
    for name, form in forms.items():
        table.same(f"time as {name}", made_of(training, time=pd.Series(form), window="360m", season="hour")[0], expected)
    backwards, _ = made_of(training[::-1], time=time[::-1], window=WINDOW, season="hour")
    table.same("rows in another order", backwards, expected)


def other_rows(training: pd.DataFrame, time: pd.Series, table: Table) -> None:
    """Outputs with other rows than the inputs have neither chunks nor seasons."""
    made, said = made_of(training, pd.DataFrame({"score": training["same"][:500]}), time=time, season="hour")
    output = made["columns"][-1]
    table.same("outputs of other rows", [output["name"], "chunks" in output, "seasons" in output], ["score", False, False])
    table.same("warning about other rows", ["500 rows of outputs" in each for each in said], [True])


def too_large(training: pd.DataFrame, time: pd.Series, table: Table) -> None:
    """What does not fit into 4 MB is left out: first the chunks, then the seasons."""
    wide = pd.concat([training[["same"]].add_suffix(f" {place}") for place in range(400)], axis=1)
    made, said = made_of(wide, bins=64, time=time, season="hour")
    table.same("too large, fields", sorted(made), ["columns", "seasons", "version"])
    column = made["columns"][0]
    table.same("too large, fields of a column", ["chunks" in column, "seasons" in column], [False, True])
    table.same("too large, warning", ["chunks are left out" in each for each in said], [True])
