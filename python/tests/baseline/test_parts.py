"""Chunks and seasons: what a baseline says about the time of the training data."""

import json

import numpy as np
import pandas as pd
import pytest

from understudy import baseline

DAY = 24 * 120


def table(rows):
    """A row each 30 seconds from a Thursday at midnight: 120 in an hour."""
    i = np.arange(rows)
    return pd.DataFrame({"x": i % 97 / 7, "city": np.where(i % 5 == 0, "Delft", "Gouda")}), pd.Series(i * 30)


def test_rows_without_a_time_are_cut_in_their_order_and_each_chunk_counts_all_its_rows():
    made = baseline.of(table(1000)[0])
    assert made["chunks"] == [[100]] * 10
    for column in made["columns"]:
        assert [sum(chunk) for chunk in column["chunks"]] == [100] * 10


def test_fewer_than_a_thousand_rows_have_no_chunks():
    assert "chunks" not in baseline.of(table(999)[0])


def test_the_order_of_rows_does_not_matter_if_they_have_a_time():
    frame, time = table(1200)
    shuffled = np.random.default_rng(3).permutation(1200)
    again = baseline.of(frame.iloc[shuffled], time=time.iloc[shuffled])
    assert baseline.dump(again) == baseline.dump(baseline.of(frame, time=time))


def test_each_window_with_enough_rows_is_a_chunk():
    frame, time = table(12 * 120 + 50)
    assert baseline.of(frame, time=time, window="1h")["chunks"] == [[120]] * 12


def test_of_many_windows_at_most_fifty_are_chunks():
    frame, time = table(3 * DAY)
    assert len(baseline.of(frame, time=time, window="1h")["chunks"]) == 50


def test_too_few_windows_give_a_warning_at_the_line_of_the_user_and_no_chunks():
    frame, time = table(1200)
    with pytest.warns(UserWarning, match="only 1 windows have at least 100 rows, 10 are needed") as caught:
        assert "chunks" not in baseline.of(frame, time=time, window="1d")
    assert caught[0].filename == __file__


def test_a_season_counts_each_period_and_missing_values_are_its_last_cell():
    frame, time = table(DAY)
    frame.loc[:59, "city"] = None
    made = baseline.of(frame, time=time, season="hour")
    city = made["columns"][1]
    assert made["seasons"] == "hour"
    assert city["seasons"][0] == [12, 48, 0, 60]
    assert city["seasons"][23] == [24, 96, 0, 0]


def test_the_week_begins_on_monday():
    frame, time = table(DAY)
    with pytest.warns(UserWarning, match="6 of 7 periods of season weekday have no row") as caught:
        made = baseline.of(frame, time=time, season="weekday")
    assert [sum(period) for period in made["columns"][0]["seasons"]] == [0, 0, 0, DAY, 0, 0, 0]
    assert caught[0].filename == __file__


def test_texts_datetimes_and_seconds_are_the_same_times_and_without_a_zone_in_utc():
    frame, seconds = table(1200)
    utc = pd.to_datetime(seconds, unit="s", utc=True)
    options = {"window": "1h", "season": "hourOfWeek"}
    with pytest.warns(UserWarning, match="158 of 168"):
        made = [
            baseline.of(frame, time=time, **options)
            for time in (seconds, utc, utc.dt.tz_localize(None), utc.dt.tz_convert("Asia/Tokyo").astype(str), utc.astype(str))
        ]
    assert all(each == made[0] for each in made)


def test_outputs_of_other_rows_have_no_chunks_and_a_warning_says_so():
    frame, _ = table(1000)
    with pytest.warns(UserWarning, match="500 rows of outputs, 1000 of inputs: outputs get no chunks") as caught:
        made = baseline.of(frame, pd.DataFrame({"score": np.arange(500) / 7}))
    assert ["chunks" in column for column in made["columns"]] == [True, True, False]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": "1h"}, "window needs the time"),
        ({"season": "hour"}, "season needs the time"),
        ({"time": [1, 2, 3], "window": "1"}, "window 1: use a number with s, m, h or d"),
        ({"time": [1, 2, 3], "window": "9s"}, "use 10s to 7d"),
        ({"time": [1, 2, 3], "window": "8d"}, "use 10s to 7d"),
        ({"time": [1, 2, 3], "season": "year"}, "use hour, weekday, hourOfWeek"),
        ({"time": [1, 2]}, "2 times for 3 rows"),
        ({"time": [1, 2, None]}, "1 rows have no time"),
        ({"time": [1.7e12] * 3}, "divide milliseconds by 1000"),
        ({"time": ["1/2/2026"] * 3}, "neither an ISO text nor a datetime"),
    ],
)
def test_a_time_that_cannot_be_used_is_refused_with_advice(options, message):
    options = options | ({"time": pd.Series(options["time"])} if "time" in options else {})
    with pytest.raises(ValueError, match=message):
        baseline.of(pd.DataFrame({"x": [1, 2, 3]}), **options)


def test_a_file_that_is_too_large_loses_its_chunks_then_its_seasons_with_warnings_and_is_never_longer_than_the_limit():
    random = np.random.default_rng(4)
    rows = 5000
    frame = pd.DataFrame({f"x{i}": random.random(rows) for i in range(150)})
    time = pd.Series(np.arange(rows) * 3600)
    made = baseline.of(frame, bins=64, time=time, season="hourOfWeek")
    with pytest.warns(UserWarning, match="--season hour") as caught:
        text = baseline.dump(made)
    assert ["chunks are left out" in str(caught[0].message), len(text.encode()) <= 4 << 20] == [True, True]
    assert "chunks" not in json.loads(text)
    assert all(each.filename == __file__ for each in caught)
    assert "chunks" in made, "dump changes nothing that it is given"
