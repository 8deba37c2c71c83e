"""NannyML and Evidently, through their public interfaces: one value for one column."""

import logging
import os

# Before the imports: both report their use to their makers.
os.environ |= {"NML_DISABLE_USAGE_LOGGING": "1", "ITERATIVE_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1"}

import nannyml
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import OutRangeValueCount, ValueDrift

logging.getLogger("nannyml").setLevel(logging.ERROR)


def nannyml_value(calculator, training: pd.Series, calls: pd.Series, *keys: str) -> float:
    """The value of a calculator of NannyML, with all calls as one chunk."""
    calculator.fit(training.to_frame("x").reset_index(drop=True))
    result = calculator.calculate(calls.to_frame("x").reset_index(drop=True))
    frame = result.filter(period="analysis").to_df()
    return float(frame[(*keys, "value")].iloc[0])


def nannyml_drift(training: pd.Series, calls: pd.Series, method: str, categorical: bool) -> float:
    methods = {"categorical_methods" if categorical else "continuous_methods": [method]}
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=["x"], treat_as_categorical=["x"] if categorical else [], chunk_number=1, **methods
    )
    return nannyml_value(calculator, training, calls, "x", method)


def nannyml_missing(training: pd.Series, calls: pd.Series) -> float:
    calculator = nannyml.MissingValuesCalculator(column_names=["x"], chunk_number=1)
    return nannyml_value(calculator, training, calls, "x")


def nannyml_unseen(training: pd.Series, calls: pd.Series) -> float:
    calculator = nannyml.UnseenValuesCalculator(column_names=["x"], chunk_number=1)
    return nannyml_value(calculator, training.astype(str), calls.astype(str), "x")


def evidently_metric(training: pd.Series | None, calls: pd.Series, metric) -> object:
    kind = "numerical_columns" if calls.dtype.kind in "fi" else "categorical_columns"
    definition = DataDefinition(**{kind: ["x"]})

    def set_of(values: pd.Series) -> Dataset:
        return Dataset.from_pandas(values.to_frame("x").reset_index(drop=True), data_definition=definition)

    reference = None if training is None else set_of(training)
    (result,) = Report([metric]).run(set_of(calls), reference).dict()["metrics"]
    return result["value"]


def evidently_drift(training: pd.Series, calls: pd.Series, method: str) -> float:
    return float(evidently_metric(training, calls, ValueDrift(column="x", method=method)))


def evidently_outside(calls: pd.Series, low: float, high: float) -> float:
    return evidently_metric(None, calls, OutRangeValueCount(column="x", left=low, right=high))["share"]
