"""What a column of the baseline says about a column of the training data."""

import json

import numpy as np
import pandas as pd
import pytest

from understudy import baseline


def column(values, **options):
    (made,) = baseline.of(pd.DataFrame({"x": values}), **options)["columns"]
    return made


def test_every_number_is_counted_in_one_bin_and_no_edge_is_inside_of_two():
    values = np.random.default_rng(1).lognormal(0, 3, 5000)
    made = column(values)
    edges = made["edges"]
    assert sum(made["counts"]) == 5000
    assert edges == sorted(set(edges))
    assert edges[0] <= values.min()
    assert values.max() <= edges[-1]
    assert made["counts"] == np.histogram(values, edges)[0].tolist()


def test_two_values_with_no_number_between_them_are_in_two_bins():
    assert column([1.0] * 30 + [np.nextafter(1.0, 2)] * 70, bins=2)["counts"] == [30, 70]


def test_bins_hold_about_the_same_number_of_values():
    assert set(column(np.arange(1000) * 1.5, bins=8)["counts"]) == {125}


def test_a_value_stays_in_its_bin_when_it_is_sent_as_a_float32():
    values = np.random.default_rng(2).normal(100, 20, 2000).round(2)
    edges = column(values)["edges"]
    place = np.searchsorted(edges, values, side="right")
    assert (np.searchsorted(edges, values.astype(np.float32).astype(float), side="right") == place).all()


def test_infinite_values_are_in_the_outer_bins_and_not_in_the_mean():
    made = column([-np.inf, *np.arange(100.5), np.inf, np.inf])
    plain = column(np.arange(100.5))
    assert made["counts"][0] == plain["counts"][0] + 1
    assert made["counts"][-1] == plain["counts"][-1] + 2
    assert made["mean"] == plain["mean"]


def test_mean_and_deviation_of_huge_numbers_do_not_overflow():
    made = column([1.5e308, -1.5e308, 1e308, -1e308])
    assert made["mean"] == 0
    assert made["deviation"] == pytest.approx(1.27475e308, rel=1e-5)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 2.0, 3.5], "float"),
        ([1.0, 2.0, 3.0], "float"),
        ([1.0, np.nan, 3.0], "integer"),
        ([1, 2, 3], "integer"),
        ([True, False, True], "boolean"),
        (["a", "b", "a"], "text"),
        (pd.Categorical([3, 4, 3]), "integer"),
        (pd.array([1, None, 3], dtype="Int64"), "integer"),
    ],
)
def test_a_column_has_the_type_of_its_values(values, kind):
    assert column(values)["type"] == kind


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.int8(1)])
def test_a_category_of_a_whole_number_has_one_name_whatever_its_type(value):
    assert column([value] * 4)["counts"] == {"1": 4}


def test_booleans_are_the_categories_true_and_false():
    assert column([True, False, True])["counts"] == {"false": 1, "true": 2}


def test_missing_values_are_counted_and_are_in_no_category():
    made = column(["a", None, "a", "b"])
    assert (made["counts"], made["other"], made["missing"]) == ({"a": 2, "b": 1}, 0, 1)


def test_categories_after_the_most_frequent_256_and_very_long_ones_are_other():
    made = column([f"c{i:03}" for i in range(300)] + ["c299"] + ["x" * 257])
    assert len(made["counts"]) == 256
    assert made["counts"]["c299"] == 2
    assert made["other"] == 300 - 256 + 1


def test_many_whole_numbers_are_bins_unless_they_are_named_as_categorical():
    values = list(range(100)) * 2
    assert column(values)["kind"] == "numeric"
    assert column(values, categorical=["x"])["kind"] == "categorical"


def test_probabilities_are_columns_and_of_two_only_the_second():
    inputs = pd.DataFrame({"x": [0.5, 1.5]})
    outputs = pd.DataFrame({"label": [0, 1], "two": [[0.1, 0.9], [0.6, 0.4]], "three": [np.array([0.1, 0.2, 0.7])] * 2})
    names = [each["name"] for each in baseline.of(inputs, outputs)["columns"] if each["role"] == "output"]
    assert names == ["label", "two[1]", "three[0]", "three[1]", "three[2]"]


def test_probabilities_by_class_have_the_names_of_the_classes():
    outputs = pd.DataFrame({"p": [{"benign": 0.3, "malignant": 0.7}, {"benign": 0.4, "malignant": 0.6}]})
    made = baseline.of(pd.DataFrame({"x": [0.5, 1.5]}), outputs)
    assert made["columns"][-1]["name"] == "p[malignant]"


def test_rows_with_different_classes_are_refused():
    outputs = pd.DataFrame({"p": [{"a": 0.3, "b": 0.7}, {"a": 0.4, "c": 0.6}]})
    with pytest.raises(ValueError, match="other classes"):
        baseline.of(pd.DataFrame({"x": [1, 2]}), outputs)


def test_a_time_is_refused_as_a_column_because_no_model_gets_one():
    with pytest.raises(ValueError, match=r"input x is of type datetime64.*convert it to the numbers"):
        column(pd.to_datetime(["2026-01-01", "2026-01-02"]))


def test_a_column_without_a_value_is_left_out_with_a_warning_at_the_line_of_the_user():
    with pytest.warns(UserWarning, match="input empty has no value and is left out") as caught:
        made = baseline.of(pd.DataFrame({"empty": [np.nan, np.nan], "x": [1, 2]}))
    assert [each["name"] for each in made["columns"]] == ["x"]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (pd.DataFrame({"x": [1]}), {"bins": 0}, "0 bins: use 1 to 64"),
        (pd.DataFrame({"x": [1]}), {"bins": 65}, "65 bins: use 1 to 64"),
        (pd.DataFrame({"x": [1]}), {"categorical": ["y"]}, "columns that do not exist: y"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), {}, "input x exists 2 times"),
        (pd.DataFrame({"": [1]}), {}, "a name must have 1 to 256 characters"),
        (pd.DataFrame({f"x{i}": [1] for i in range(1025)}), {}, "1025 inputs, the limit is 1024"),
    ],
)
def test_what_the_file_cannot_hold_is_refused_with_advice(frame, options, message):
    with pytest.raises(ValueError, match=message):
        baseline.of(frame, **options)


def test_the_same_rows_give_the_same_text_which_is_json_with_a_line_for_each_column():
    frame = pd.DataFrame({"a": [1.5, 2.5, np.nan], "b": ["é", "\u2028", '"']})
    text = baseline.dump(baseline.of(frame))
    assert text == baseline.dump(baseline.of(frame.copy()))
    assert json.loads(text) == baseline.of(frame)
    assert len(text.split("\n")) == 5
