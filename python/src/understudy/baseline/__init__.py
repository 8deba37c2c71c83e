"""The baseline of a ModelVersion: the distribution of its training data, column by column.

The server compares the inputs and outputs of a model with the baseline and reports the columns that have drifted. The
file is small JSON. Store it next to the model, and put its URI and its sha256 into `spec.baseline`.

As a command, from CSV or Parquet files:

    understudy baseline train.csv --outputs predictions.parquet -o baseline.json

As functions, from pandas DataFrames:

    from understudy import baseline
    predictions = pd.DataFrame({"label": label, "probabilities": list(probabilities)})
    Path("baseline.json").write_text(baseline.dump(baseline.of(train_x, predictions)))

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

    understudy baseline train.csv --time created --window 1h --season hour --outputs predictions.csv -o baseline.json

The rows of `outputs` belong to the rows of the inputs in the same order. If their numbers differ, outputs have no chunks
and no seasons.

**Types.** Each column has the type of its values: `float`, `integer`, `boolean` or `text`. Floats are `float` even if all of
them are whole. Exception: pandas reads a column of whole numbers with missing values as float64, so that is `integer`.

The same rows give the same bytes. stats/src/baseline.rs reads the file and documents every field.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.baseline.file import dump
    from understudy.baseline.frames import of

__all__ = ["dump", "of"]


def __getattr__(name: str) -> Any:
    """A public function. pandas is imported with it, not with the package (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from understudy.baseline import file, frames
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        advice = "a baseline needs pandas, which is not installed: pip install 'understudy[onnx]'"
        raise ModuleNotFoundError(advice, name=error.name) from error
    globals().update(dump=file.dump, of=frames.of)
    return globals()[name]


def __dir__() -> list[str]:
    """The public functions, also those that are not loaded yet."""
    return sorted({*globals(), *__all__})
