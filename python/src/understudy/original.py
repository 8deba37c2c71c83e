"""The trained model, as its maker calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from understudy.table import Column

    Answers = dict[str, npt.NDArray[Any]]
    """Answers by the name of the model's output. The first dimension are the rows."""

LABEL, PROBABILITIES, SCORES, PREDICTION = "label", "probabilities", "scores", "prediction"


class Task(Enum):
    """What a model does."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    OTHER = "other"


@dataclass(frozen=True)
class Original:
    """The trained model: what it takes, and what it answers."""

    task: Task
    columns: tuple[Column, ...]
    """What it takes, by name, in the order of its training."""
    labels: tuple[Any, ...]
    """The classes, in the order of `probabilities`. Empty for another task."""
    outputs: tuple[str, ...]
    """The names of its answers, in the order of the converted model's outputs."""
    answer: Callable[[pd.DataFrame], Answers]
    """Its answers to rows with these columns. It raises what the model raises."""
    described: str
    """What it is, in a few words: the type and the packages, such as `RandomForestClassifier, scikit-learn 1.9.1`."""
    recorded: bool = False
    """Whether it answers the rows of the test only, and in their order: its answers were recorded elsewhere."""
