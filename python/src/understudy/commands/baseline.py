"""`understudy baseline`: makes a baseline from CSV or Parquet files."""

import argparse
import hashlib
import sys
from pathlib import Path

import understudy.baseline
from understudy.baseline.seasons import SEASONS


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the subcommand to the parser of `understudy`."""
    parser = subparsers.add_parser(
        "baseline",
        help="make a baseline for drift from the training data",
        description=understudy.baseline.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("inputs", type=Path, help="training rows, .csv or .parquet")
    parser.add_argument("--outputs", type=Path, help="the model's responses to such rows, .csv or .parquet")
    parser.add_argument("-o", "--output", type=Path, help="where to write the baseline (default: standard output)")
    parser.add_argument("--bins", type=int, default=10, help="bins of a numeric column (default: 10)")
    parser.add_argument(
        "--categorical", action="append", default=[], metavar="COLUMN", help="count it as categories; may be repeated"
    )
    parser.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="leave it out; may be repeated")
    parser.add_argument(
        "--time",
        metavar="COLUMN",
        help="the time of each row: ISO text, datetime or seconds since 1970, in UTC without a zone. It is not an input",
    )
    parser.add_argument("--window", help="length of a chunk of the training data: spec.drift.window, such as 10m, 1h or 7d")
    parser.add_argument("--season", choices=SEASONS, help="count each period of the day or the week, in UTC")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Writes the baseline, and its sha256 to standard error."""
    # Before the files are read, so that a missing pandas is reported with the extra that has it.
    dump, of = understudy.baseline.dump, understudy.baseline.of
    from understudy.rows_file import rows_of

    inputs = rows_of(chosen.inputs)
    outputs = rows_of(chosen.outputs) if chosen.outputs else None
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
    made = dump(of(inputs, outputs, chosen.bins, chosen.categorical, time, chosen.window, chosen.season))
    if chosen.output:
        chosen.output.write_text(made, encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(made)
    print(f"sha256: {hashlib.sha256(made.encode()).hexdigest()}", file=sys.stderr)
    return 0
