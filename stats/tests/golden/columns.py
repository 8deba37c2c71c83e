"""The measures of drift, compared with those of numpy, scipy, NannyML and Evidently.

Peers that compute the same from the same bins must agree to rounding. Peers that compute from the raw values may differ by what
binning loses. Each such tolerance is derived where it is used.
"""

import numpy as np
import pandas as pd
import scipy.spatial
import scipy.special
import scipy.stats

import peers
from table import Table

# As in stats/src/distance.rs: for PSI and chi-square, a category with fewer training rows counts with all others.
RARE = 5
# As in stats/src/bins.rs: for the Jensen-Shannon distance, bins with fewer expected rows are one.
FEW = 10

# Points for each bin of a distribution that is linear inside of its bins.
POINTS = 1000

# Stephens' correction of Kolmogorov's distribution is an approximation. For these data it differs from the p-values of scipy by
# at most a tenth, where they are 1e-28. It is not derived.
STEPHENS = 0.15

OTHER, MISSING, FOLDED = "(other)", "(missing)", "(rare)"


class Column:
    """A column of the baseline, with the training values, the values of the calls, and the bin of each."""

    def __init__(self, baseline: dict, training: pd.Series, calls: pd.Series):
        self.name = baseline["name"]
        self.numeric = baseline["kind"] == "numeric"
        self.baseline, self.training, self.calls = baseline, training, calls
        if self.numeric:
            self.edges = np.array(baseline["edges"])
            bins = [str(place) for place in range(len(self.edges) - 1)]
        else:
            bins = [name for name, count in baseline["counts"].items() if count >= RARE] + [OTHER]
        self.bins = bins
        self.binned = [self.bin_of(values) for values in (training, calls)]
        # With missing values as a bin, if there are any.
        rows = [binned.fillna(MISSING) for binned in self.binned]
        self.rows = rows
        missing = [MISSING] if any((each == MISSING).any() for each in rows) else []
        self.expected, self.observed = (counts(each, bins + missing) for each in rows)
        self.expected_values, self.observed_values = (counts(each, bins) for each in self.binned)

    def bin_of(self, values: pd.Series) -> pd.Series:
        """The bin of each value as a text, for peers that count categories."""
        if self.numeric:
            place = np.clip(self.place(values), 0, len(self.edges) - 2)
            return pd.Series(place.astype(int).astype(str), dtype=object).where(values.notna().to_numpy(), None)
        names = values.map(lambda value: str(value).lower() if isinstance(value, bool) else str(value), na_action="ignore")
        return names.where(names.isin(self.bins) | names.isna(), OTHER)

    def known(self) -> list[pd.Series]:
        """The bins that the Jensen-Shannon distance compares: of numbers in the range of the edges, and of all categories."""
        if self.numeric:
            inside = lambda values: values[values.between(self.edges[0], self.edges[-1])]
            both = [self.bin_of(inside(values)) for values in (self.training, self.calls)]
        else:
            names = set(self.baseline["counts"])
            text = lambda value: str(value).lower() if isinstance(value, bool) else str(value)
            both = [values.dropna().map(text) for values in (self.training, self.calls)]
            both = [values.where(values.isin(names), OTHER) for values in both]
        shares = pd.DataFrame([values.value_counts(normalize=True) for values in both]).fillna(0)
        expected = shares.mean() * min(len(values) for values in both)
        folded = expected.index[(expected < FEW) | (shares.iloc[0] == 0)]
        return [values.where(~values.isin(folded), FOLDED) for values in both]

    def place(self, values: pd.Series) -> np.ndarray:
        """The bin of each value: -1 is below the first edge, and the number of bins is above the last one."""
        last = self.edges[-1]
        place = np.searchsorted(self.edges, values, side="right") - 1
        return np.where(values == last, len(self.edges) - 2, place)


def counts(values: pd.Series, bins: list[str]) -> np.ndarray:
    found = values.value_counts()
    return np.array([found.get(each, 0) for each in bins], dtype=float)


def compare(column: Column, ours: dict, table: Table) -> None:
    baseline(column, table)
    shares(column, ours, table)
    psi(column, ours, table)
    chi_square(column, ours, table)
    jensen_shannon(column, ours, table)
    if column.numeric:
        kolmogorov_smirnov(column, ours, table)
        wasserstein(column, ours, table)
        table.exact(column.name, "mean of the calls", ours["mean"], "numpy", column.calls.mean())


def baseline(column: Column, table: Table) -> None:
    """What `understudy baseline` writes: mean and deviation have at least six significant digits."""
    if column.numeric:
        of = column.training.describe()
        table.exact(column.name, "baseline's mean", column.baseline["mean"], "pandas", of["mean"], 5e-6)
        deviation = column.training.std(ddof=0)
        table.exact(column.name, "baseline's deviation", column.baseline["deviation"], "pandas", deviation, 5e-6)
    table.exact(column.name, "baseline's missing", column.baseline["missing"], "pandas", column.training.isna().sum())


def shares(column: Column, ours: dict, table: Table) -> None:
    missing = peers.nannyml_missing(column.training, column.calls)
    table.exact(column.name, "missing ratio", ours["missing_ratio"], "NannyML", missing)
    values = column.calls.dropna()
    if column.numeric:
        outside = peers.evidently_outside(values, column.edges[0], column.edges[-1])
        table.exact(column.name, "out of range ratio", ours["out_of_range_ratio"], "Evidently", outside)
    else:
        unseen = peers.nannyml_unseen(column.training.dropna(), values)
        table.exact(column.name, "out of range ratio", ours["out_of_range_ratio"], "NannyML", unseen)


def psi(column: Column, ours: dict, table: Table) -> None:
    """PSI is the sum of both Kullback-Leibler divergences. Peers add no half counts to the bins."""
    used = column.expected + column.observed > 0
    expected, observed = column.expected[used], column.observed[used]
    half = len(expected) / 2
    e = (expected + 0.5) / (expected.sum() + half)
    o = (observed + half * e) / (observed.sum() + half)
    both = scipy.special.rel_entr(o, e).sum() + scipy.special.rel_entr(e, o).sum()
    table.exact(column.name, "psi", ours["psi"], "scipy, with half counts", both)
    # How much half a count moves PSI: the first derivatives, and a quarter more for the second ones.
    e0, o0 = expected / expected.sum(), observed / observed.sum()
    moved = np.abs((e - e0) * (1 - np.log(o0 / e0) - o0 / e0)) + np.abs((o - o0) * (1 + np.log(o0 / e0) - e0 / o0))
    within = 1.25 * moved.sum()
    theirs = peers.evidently_drift(*column.rows, "psi")
    table.near(column.name, "psi", ours["psi"], "Evidently, on our bins", theirs, -within, within)


def chi_square(column: Column, ours: dict, table: Table) -> None:
    used = column.expected + column.observed > 0
    test = scipy.stats.chi2_contingency([column.expected[used], column.observed[used]], correction=False)
    table.exact(column.name, "chi-square", ours["chi_square"], "scipy", test.statistic)
    table.exact(column.name, "chi-square, freedom", ours["chi_square_degrees_of_freedom"], "scipy", test.dof)
    table.exact(column.name, "chi-square, p-value", ours["chi_square_p_value"], "scipy", test.pvalue)
    # For two categories NannyML applies Yates' correction.
    if test.dof > 1:
        theirs = peers.nannyml_drift(*column.rows, "chi2", categorical=True)
        table.exact(column.name, "chi-square", ours["chi_square"], "NannyML, on our bins", theirs)


def jensen_shannon(column: Column, ours: dict, table: Table) -> None:
    values = column.known()
    e, o = pd.DataFrame([each.value_counts() for each in values]).fillna(0).to_numpy()
    distance = scipy.spatial.distance.jensenshannon(e, o, base=2)
    table.exact(column.name, "Jensen-Shannon", ours["js_distance"], "scipy", distance)
    theirs = peers.nannyml_drift(*values, "jensen_shannon", categorical=True)
    table.exact(column.name, "Jensen-Shannon", ours["js_distance"], "NannyML, on our bins", theirs)
    # Evidently's is that of the natural logarithm.
    theirs = peers.evidently_drift(*values, "jensenshannon") / np.sqrt(np.log(2))
    table.exact(column.name, "Jensen-Shannon", ours["js_distance"], "Evidently, on our bins", theirs)


def kolmogorov_smirnov(column: Column, ours: dict, table: Table) -> None:
    training, calls = column.training.dropna(), column.calls.dropna()
    binned = scipy.stats.ks_2samp(column.place(training), column.place(calls), method="asymp")
    table.exact(column.name, "KS", ours["ks"], "scipy, on our bins", binned.statistic)
    # The distance at a value inside a bin is at most that at one of its edges, and the smaller of the two shares of the bin.
    e, o = column.expected_values, column.observed_values
    lost = np.minimum(e / e.sum(), o / o.sum()).max()
    theirs = peers.nannyml_drift(training, calls, "kolmogorov_smirnov", categorical=False)
    table.near(column.name, "KS", ours["ks"], "NannyML, on raw values", theirs, -lost - 1e-9, 1e-9)

    root = np.sqrt(len(training) * len(calls) / (len(training) + len(calls)))
    stephens = scipy.stats.kstwobign.sf(ours["ks"] * (root + 0.12 + 0.11 / root))
    table.exact(column.name, "KS, p-value", ours["ks_p_value"], "scipy, Kolmogorov and Stephens", stephens)
    mine, within = ours["ks_p_value"], STEPHENS * binned.pvalue
    table.near(column.name, "KS, p-value", mine, "scipy, ks_2samp of our bins", binned.pvalue, -within, within)
    # A smaller distance has a larger p-value.
    theirs = peers.evidently_drift(training, calls, "ks")
    table.near(column.name, "KS, p-value", mine, "Evidently, on raw values", theirs, -STEPHENS * theirs, 1)


def wasserstein(column: Column, ours: dict, table: Table) -> None:
    """Linear inside of a bin. Values outside of the edges are where they are."""
    training, calls = column.training.dropna(), column.calls.dropna()
    width = np.diff(column.edges)
    inside = calls[calls.between(column.edges[0], column.edges[-1])]
    outside = calls[~calls.between(column.edges[0], column.edges[-1])]
    e = np.bincount(column.place(training), minlength=len(width)) / len(training)
    o = np.bincount(column.place(inside), minlength=len(width)) / len(calls)
    points = (column.edges[:-1, None] + width[:, None] * (np.arange(POINTS) + 0.5) / POINTS).ravel()
    distance = scipy.stats.wasserstein_distance(
        points,
        np.concatenate([points, outside]),
        np.repeat(e / POINTS, POINTS),
        np.concatenate([np.repeat(o / POINTS, POINTS), np.full(len(outside), 1 / len(calls))]),
    )
    # From the uniform distribution of a cell to its middle it is a quarter of the cell's width.
    within = ((e + o) * width).sum() / POINTS / 4
    table.near(column.name, "Wasserstein", ours["wasserstein"], "scipy, linear in our bins", distance, -within, within)
    # From any distribution in a bin to the uniform one it is at most half of the bin's width.
    within = ((e + o) * width).sum() / 2
    theirs = peers.nannyml_drift(training, calls, "wasserstein", categorical=False)
    table.near(column.name, "Wasserstein", ours["wasserstein"], "NannyML, on raw values", theirs, -within, within)
    # Evidently divides by the standard deviation of the training values.
    theirs = peers.evidently_drift(training, calls, "wasserstein") * training.std(ddof=0)
    table.near(column.name, "Wasserstein", ours["wasserstein"], "Evidently, on raw values", theirs, -within, within)
