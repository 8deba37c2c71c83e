"""The measures of outcomes, compared with those of scikit-learn and statsmodels."""

import numpy as np
import scipy.stats
import sklearn.metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from data import CLASSES, Outcomes
from table import Table

# As in stats/src/paired.rs: above this many rows on which two versions differ, McNemar's test is the asymptotic one.
MOST_EXACT = 1_000


# As in stats/src/scores.rs.
NARROW = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009]
BINS = np.array(NARROW + [place / 100 for place in range(1, 100)] + [1 - edge for edge in reversed(NARROW)])


def compare(of: Outcomes, ours: dict, table: Table) -> None:
    for version in of.labels:
        labels(of, version, ours[version], table)
        scores(of, version, ours[version], table)
        regression(of, version, ours[version], table)
    paired(of, ours, table)


def value_of(estimate: dict | None) -> float | None:
    return None if estimate is None else estimate["value"]


def labels(of: Outcomes, version: str, ours: dict, table: Table) -> None:
    data, truth, predicted = f"{of.name[:4]} {version}", of.label, of.labels[version]
    accuracy = sklearn.metrics.accuracy_score(truth, predicted)
    table.exact(data, "accuracy", value_of(ours["accuracy"]), "scikit-learn", accuracy)
    low, high = proportion_confint((truth == predicted).sum(), len(truth), method="wilson")
    table.exact(data, "accuracy, low", ours["accuracy"]["low"], "statsmodels, Wilson", low)
    table.exact(data, "accuracy, high", ours["accuracy"]["high"], "statsmodels, Wilson", high)
    balanced = sklearn.metrics.balanced_accuracy_score(truth, predicted)
    table.exact(data, "balanced accuracy", value_of(ours["balanced_accuracy"]), "scikit-learn", balanced)
    precision, recall, f1, rows = sklearn.metrics.precision_recall_fscore_support(truth, predicted, labels=CLASSES)
    classes = {each["class"]: each for each in ours["classes"]}
    for place, name in enumerate(CLASSES):
        mine = classes[name]
        table.exact(data, f"rows of {name}", mine["rows"], "scikit-learn", rows[place])
        table.exact(data, f"precision of {name}", value_of(mine["precision"]), "scikit-learn", precision[place])
        table.exact(data, f"recall of {name}", value_of(mine["recall"]), "scikit-learn", recall[place])
        table.exact(data, f"F1 of {name}", value_of(mine["f1"]), "scikit-learn", f1[place])


def paired(of: Outcomes, ours: dict, table: Table) -> None:
    main, challenger = (predicted == of.label for predicted in of.labels.values())
    table.exact(of.name, "difference of accuracy", value_of(ours["difference"]), "numpy", challenger.mean() - main.mean())
    only_main, only_challenger = (main & ~challenger).sum(), (challenger & ~main).sum()
    pairs = [[(main & challenger).sum(), only_main], [only_challenger, (~main & ~challenger).sum()]]
    differing = only_main + only_challenger
    if differing > MOST_EXACT:
        test = mcnemar(pairs, exact=False, correction=False)
        table.exact(of.name, "McNemar, p-value", ours["p_value"], "statsmodels, asymptotic", test.pvalue)
    else:
        # The mid-p value has half of the probability of the table itself, on each side.
        exact = mcnemar(pairs, exact=True).pvalue
        middle = exact - scipy.stats.binom.pmf(min(only_main, only_challenger), differing, 0.5)
        table.exact(of.name, "McNemar, p-value", ours["p_value"], "statsmodels, exact, mid-p", middle)


def scores(of: Outcomes, version: str, ours: dict, table: Table) -> None:
    """Of the scores of all classes."""
    data, mine = f"{of.name[:4]} {version}", ours["scores"]
    # Six digits do not add up to 1 exactly, and ours are float32.
    share = of.scores[version] / of.scores[version].sum(axis=1, keepdims=True)
    loss = sklearn.metrics.log_loss(of.label, share, labels=CLASSES)
    table.near(data, "log loss", mine["log_loss"], "scikit-learn", loss, -1e-5, 1e-5)
    for place, name in enumerate(CLASSES):
        is_of_class, score = of.label == name, of.scores[version][:, place].astype(np.float32)
        auc = sklearn.metrics.roc_auc_score(is_of_class, score)
        # Scores in the same bin count as equal, so a pair of them counts half too much or too little at most.
        bins = len(BINS) + 1
        rows, others = (np.bincount(np.digitize(score[of], BINS), minlength=bins) for of in (is_of_class, ~is_of_class))
        within = (rows * others).sum() / 2 / rows.sum() / others.sum()
        table.near(data, f"AUC of {name}", mine["auc"][name], "scikit-learn", auc, -within, within)


def regression(of: Outcomes, version: str, ours: dict, table: Table) -> None:
    data, mine = f"{of.name[:4]} {version}", ours["regression"]
    truth, predicted = of.number, of.numbers[version]
    table.exact(data, "MAE", mine["mae"], "scikit-learn", sklearn.metrics.mean_absolute_error(truth, predicted))
    table.exact(data, "RMSE", mine["rmse"], "scikit-learn", sklearn.metrics.root_mean_squared_error(truth, predicted))
    table.exact(data, "R2", mine["r2"], "scikit-learn", sklearn.metrics.r2_score(truth, predicted))
