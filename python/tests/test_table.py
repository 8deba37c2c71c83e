"""Rows reach the model as its callers send them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from understudy.errors import UnderstudyError
from understudy.table import Kind, frame_of, inputs_of


def kinds(frame):
    return {column.name: column.kind for column in inputs_of(frame).columns}


def test_columns_are_numbers_booleans_or_texts_whatever_pandas_calls_them():
    frame = pd.DataFrame(
        {
            "whole": [1, 2],
            "gaps": pd.array([1, None], dtype="Int64"),
            "yes": [True, False],
            "maybe": pd.array([True, False], dtype="boolean"),
            "text": ["a", None],
            "category": pd.Categorical(["a", "b"]),
            "code": pd.Categorical([3, 5]),
        }
    )
    number, boolean, text = Kind.NUMBER, Kind.BOOLEAN, Kind.TEXT
    assert kinds(frame) == {
        "whole": number, "gaps": number, "yes": boolean, "maybe": boolean, "text": text, "category": text, "code": number,
    }  # fmt: skip
    tensors = inputs_of(frame).tensors(frame)
    np.testing.assert_array_equal(tensors["gaps"], [[1.0], [np.nan]])
    np.testing.assert_array_equal(tensors["code"], [[3.0], [5.0]])
    assert tensors["text"].tolist() == [["a"], [""]]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.to_datetime(["2026-01-01"]), r"column when has the type datetime64.*: convert it to numbers, booleans or texts"),
        (pd.Series([[1, 2]]), "column when has values of type list"),
        (pd.Series([1 + 2j]), "column when has the type complex128"),
    ],
)
def test_a_column_of_another_type_is_named_with_what_to_do(column, said):
    with pytest.raises(UnderstudyError, match=said):
        inputs_of(pd.DataFrame({"when": column}))


def test_a_missing_boolean_is_refused_because_it_would_be_true():
    frame = pd.DataFrame({"vip": pd.Series([True, None], dtype=object)})
    with pytest.raises(UnderstudyError, match="column vip has missing booleans"):
        inputs_of(frame).tensors(frame)


def test_a_record_has_the_shortest_number_that_is_the_same():
    frame = pd.DataFrame({"a": np.array([0.1], dtype=np.float32), "b": [7]})
    single = inputs_of(frame[["a"]].to_numpy())
    assert single.record({"feature_0": frame["a"][0]}) == {"feature_0": 0.1}
    assert inputs_of(frame).record({"a": 0.5, "b": 7}) == {"a": 0.5, "b": 7}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, pd.NA])
def test_a_row_that_json_cannot_hold_is_no_record(value):
    assert inputs_of(pd.DataFrame({"a": [0.5]})).record({"a": value}) is None


def test_columns_that_exist_twice_are_named():
    with pytest.raises(UnderstudyError, match="columns exist twice: a"):
        frame_of(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_an_array_with_another_number_of_columns_is_refused():
    with pytest.raises(UnderstudyError, match="the rows have 3 columns, and the model 2"):
        frame_of(np.zeros((1, 3)), ["a", "b"])
