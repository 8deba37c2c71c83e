"""Figures with their intervals, of all rows and of each group of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy.errors import UnderstudyError
from understudy.evaluate.metrics import usual
from understudy.original import Task

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from understudy.evaluate.metrics import Metric
    from understudy.original import Answers, Original

SAMPLES = 500
"""Samples of the bootstrap."""
SAMPLES_OF_A_GROUP = 200
MOST_ROWS_OF_A_SAMPLE = 20_000
MOST_GROUPS = 20
FEWEST_ROWS_OF_A_GROUP = 10


@dataclass(frozen=True)
class Figure:
    """A metric with its 95 % interval by bootstrap. The interval is absent if too few samples define the metric."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Group:
    """The same figures for a part of the rows."""

    column: str
    value: str
    rows: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Evaluation:
    """The quality of a model on a test set."""

    rows: int
    figures: tuple[Figure, ...]
    groups: tuple[Group, ...] = ()
    left_out: tuple[str, ...] = ()
    """Metrics that these rows do not define, and small groups, as sentences."""


def evaluate(
    original: Original,
    truth: npt.NDArray[Any],
    answers: Answers,
    metrics: Mapping[str, Metric] | None = None,
    groups: pd.Series[Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """The usual metrics of the task, and these, of answers to rows with these true values. `groups` has the group of each row."""
    import numpy as np

    chosen = usual(original) | dict(metrics or {})
    if not chosen:
        raise UnderstudyError(
            "a model that is neither a classifier nor a regressor has no usual metrics: pass `metrics`, or `evaluate=False`"
        )
    _check(original, truth, answers)
    random = np.random.default_rng(seed)
    figures, left_out = _figures(chosen, truth, answers, SAMPLES, random)
    parts = []
    if groups is not None:
        names = groups.astype(object).where(groups.notna(), "(missing)").map(str).to_numpy()
        values, counts = np.unique(names.astype(str), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        for place in order[:MOST_GROUPS]:
            value, rows = str(values[place]), int(counts[place])
            if rows < FEWEST_ROWS_OF_A_GROUP:
                left_out.append(f"{groups.name} {value} has {rows} rows only")
                continue
            here = names == value
            of_group, _ = _figures(
                chosen, truth[here], {name: each[here] for name, each in answers.items()}, SAMPLES_OF_A_GROUP, random
            )
            parts.append(Group(str(groups.name), value, rows, tuple(of_group)))
        if len(values) > MOST_GROUPS:
            left_out.append(f"{len(values) - MOST_GROUPS} smaller groups of {groups.name} are left out")
    return Evaluation(len(truth), tuple(figures), tuple(parts), tuple(left_out))


def _check(original: Original, truth: npt.NDArray[Any], answers: Answers) -> None:
    import numpy as np

    rows = len(next(iter(answers.values())))
    if len(truth) != rows:
        raise UnderstudyError(f"the test has {rows} rows and {len(truth)} true values: pass one for each row")
    if original.task is Task.CLASSIFICATION:
        unknown = sorted({str(each) for each in np.unique(truth.astype(str))} - {str(each) for each in original.labels})
        if unknown:
            raise UnderstudyError(
                f"the test has labels that the model does not know: {', '.join(unknown[:5])}; its classes are {', '.join(map(str, original.labels[:10]))}"
            )


def _figures(
    metrics: Mapping[str, Metric], truth: npt.NDArray[Any], answers: Answers, many: int, random: Any
) -> tuple[list[Figure], list[str]]:
    figures, left_out = [], []
    rows = len(truth)
    samples = [random.integers(0, rows, min(rows, MOST_ROWS_OF_A_SAMPLE)) for _ in range(many)]
    for name, metric in metrics.items():
        value = _value(metric, truth, answers)
        if value is None:
            left_out.append(f"{name} is not defined by these rows")
            continue
        resampled = [_value(metric, truth[each], {key: of[each] for key, of in answers.items()}) for each in samples]
        low, high = _interval([each for each in resampled if each is not None], many // 2)
        figures.append(Figure(name, value, low, high))
    return figures, left_out


def _value(metric: Metric, truth: npt.NDArray[Any], answers: Answers) -> float | None:
    """The metric, or `None` if these rows do not define it: an AUC needs both classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = float(metric(truth, answers))
        except (ValueError, ZeroDivisionError):
            return None
    return value if math.isfinite(value) else None


def _interval(values: list[float], fewest: int) -> tuple[float | None, float | None]:
    import numpy as np

    if len(values) < fewest:
        return None, None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
