"""Seeded data sets: training rows and calls, labels of two versions, their scores, and numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Fewer than 10,000 training rows: NannyML approximates KS and Wasserstein for more.
TRAINING, CALLS = 8_000, 5_000
CLASSES = ["approve", "refer", "refuse"]


def drift() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training rows and the calls."""
    random = np.random.default_rng(7)
    return rows(random, TRAINING, drifted=False), rows(random, CALLS, drifted=True)


def rows(random: np.random.Generator, count: int, drifted: bool) -> pd.DataFrame:
    """All numbers have few digits, so every parser of JSON reads the same."""
    shift = 1.0 if drifted else 0.0

    def some(share: float) -> np.ndarray:
        return random.random(count) < share

    # A few very frequent countries and many rare ones. Training has seen some only once, and some never.
    zipf = 1 / np.arange(1, 61) ** 2.2
    country = random.choice([f"country {place:02}" for place in range(60)], count, p=zipf / zipf.sum())
    numbers = {
        "same": random.normal(40, 12, count),
        "shifted": random.normal(0.3 * shift, 1, count),
        "wider": random.normal(0, 1 + 0.4 * shift, count),
        "skewed": random.lognormal(3 + 0.1 * shift, 1.2, count),
        "zeros": np.where(some(0.3 + 0.05 * shift), 0, random.exponential(50, count)),
        "gaps": np.where(some(0.05 + 0.1 * shift), np.nan, random.gamma(2, 3, count)),
    }
    columns = {name: values.round(4) for name, values in numbers.items()}
    return pd.DataFrame(columns).assign(
        whole=random.poisson(60 + 2 * shift, count),
        code=random.choice([1, 2, 3, 5], count, p=[0.4, 0.3, 0.2, 0.1]),
        country=np.where(some(0.02 * shift), "country new", country),
        plan=pd.Series(random.choice(["basic", "plus", "pro"], count)).mask(some(0.03 + 0.03 * shift), None),
        member=random.random(count) < 0.6 - 0.05 * shift,
    )


@dataclass
class Outcomes:
    """The class of each row, the label and the scores of each version, and a number with two predictions."""

    name: str
    label: np.ndarray
    labels: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    number: np.ndarray
    numbers: dict[str, np.ndarray]


def outcomes() -> list[Outcomes]:
    """Few rows, for which McNemar's test is exact, and many."""
    random = np.random.default_rng(11)
    return [outcomes_of(random, "few outcomes", 400), outcomes_of(random, "many outcomes", 12_000)]


def outcomes_of(random: np.random.Generator, name: str, count: int) -> Outcomes:
    truth = random.choice(len(CLASSES), count, p=[0.7, 0.25, 0.05])
    number = random.gamma(3, 20, count).round(4)
    labels, scores, numbers = {}, {}, {}
    for version, skill in (("main", 1.4), ("challenger", 1.8)):
        strength = random.gumbel(size=(count, len(CLASSES))) + skill * np.eye(len(CLASSES))[truth]
        share = np.exp(strength) / np.exp(strength).sum(axis=1, keepdims=True)
        scores[version] = share.round(6)
        labels[version] = np.array(CLASSES)[share.argmax(axis=1)]
        numbers[version] = (number + random.normal(1, 12 / skill, count)).round(4)
    return Outcomes(name, np.array(CLASSES)[truth], labels, scores, number, numbers)
