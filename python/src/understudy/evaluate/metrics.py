"""The usual metrics of each task. Larger is better for all: an error is its negative, and its name begins with `neg`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from understudy.original import LABEL, PREDICTION, PROBABILITIES, SCORES, Original, Task

if TYPE_CHECKING:
    import numpy.typing as npt

    from understudy.original import Answers

    Metric = Callable[[npt.NDArray[Any], Answers], float]
    """A figure of the true values and the answers. It raises a ValueError, or is NaN, if the rows do not define it."""


def usual(original: Original) -> dict[str, Metric]:
    """The metrics of the task, by name."""
    if original.task is Task.CLASSIFICATION:
        return _classification(original)
    if original.task is Task.REGRESSION:
        return _regression()
    return {}


def _classification(original: Original) -> dict[str, Metric]:
    import numpy as np
    from sklearn import metrics

    labels = list(original.labels)
    scores = PROBABILITIES if PROBABILITIES in original.outputs else SCORES

    def auc(truth: npt.NDArray[Any], answers: Answers) -> float:
        if len(labels) == 2:
            return float(metrics.roc_auc_score(truth == labels[1], answers[scores][:, 1]))
        # Each class against all others, and their mean.
        return float(
            np.mean([metrics.roc_auc_score(truth == label, answers[scores][:, place]) for place, label in enumerate(labels)])
        )

    def neg_log_loss(truth: npt.NDArray[Any], answers: Answers) -> float:
        place = {label: index for index, label in enumerate(labels)}
        chosen = answers[PROBABILITIES][np.arange(len(truth)), [place[each] for each in truth.tolist()]]
        return float(np.log(np.clip(chosen.astype(np.float64), 1e-15, 1.0)).mean())

    def neg_brier(truth: npt.NDArray[Any], answers: Answers) -> float:
        return -float(np.mean((answers[PROBABILITIES][:, 1].astype(np.float64) - (truth == labels[1])) ** 2))

    found: dict[str, Metric] = {
        "auc": auc,
        "accuracy": lambda truth, answers: float(metrics.accuracy_score(truth, answers[LABEL])),
        "balancedAccuracy": lambda truth, answers: float(metrics.balanced_accuracy_score(truth, answers[LABEL])),
    }
    if len(labels) == 2:
        positive = labels[1]
        for name, metric in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
            found[name] = _of_the_positive(metric, positive)
    else:
        found["f1Macro"] = lambda truth, answers: float(metrics.f1_score(truth, answers[LABEL], average="macro", zero_division=0))
    if scores == PROBABILITIES:
        found["negLogLoss"] = neg_log_loss
        if len(labels) == 2:
            found["negBrier"] = neg_brier
    return found


def _of_the_positive(metric: Callable[..., Any], positive: Any) -> Metric:
    return lambda truth, answers: float(metric(truth == positive, answers[LABEL] == positive, zero_division=0))


def _regression() -> dict[str, Metric]:
    import numpy as np
    from sklearn import metrics

    def both(truth: npt.NDArray[Any], answers: Answers) -> tuple[Any, Any]:
        return truth.reshape(len(truth), -1).astype(np.float64), answers[PREDICTION].reshape(len(truth), -1).astype(np.float64)

    return {
        "r2": lambda truth, answers: float(metrics.r2_score(*both(truth, answers))),
        "negMae": lambda truth, answers: -float(metrics.mean_absolute_error(*both(truth, answers))),
        "negRmse": lambda truth, answers: -float(np.sqrt(metrics.mean_squared_error(*both(truth, answers)))),
    }
