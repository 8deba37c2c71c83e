"""A file is read by its ending, and no code from it runs without a word."""

from __future__ import annotations

import pickle

import joblib
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from understudy.errors import UnderstudyError
from understudy.load import model_of


class Trap:
    """What an attacker puts into a pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


@pytest.mark.parametrize("ending", ["pkl", "pickle", "joblib"])
def test_a_pickle_runs_nothing_unless_it_is_trusted(tmp_path, ending):
    file, sprung = tmp_path / f"model.{ending}", tmp_path / "sprung"
    file.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(UnderstudyError, match="a pickle runs code"):
        model_of(file)
    assert not sprung.exists()
    model_of(file, trust=True)
    assert sprung.exists()


def test_a_pickle_of_joblib_and_a_plain_one_are_read(tmp_path):
    model = LinearRegression().fit([[0], [1]], [0, 2])
    joblib.dump(model, tmp_path / "a.joblib")
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(model))
    for name in ("a.joblib", "b.pkl"):
        assert model_of(tmp_path / name, trust=True).predict([[2]])[0] == pytest.approx(4)


def test_a_skops_file_of_known_types_needs_no_trust(tmp_path):
    skops.io.dump(LinearRegression().fit([[0], [1]], [0, 2]), tmp_path / "model.skops")
    assert model_of(tmp_path / "model.skops").predict([[2]])[0] == pytest.approx(4)


def test_types_that_skops_does_not_know_are_named(tmp_path):
    skops.io.dump({"odd": Trap(tmp_path)}, tmp_path / "model.skops")
    with pytest.raises(UnderstudyError, match=r"types that skops does not know, .*Trap"):
        model_of(tmp_path / "model.skops")


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent.pkl", "does not exist"), ("model.exe", r"ending that is not known: use one of .*\.pmml.*\.skops")],
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path, name, said):
    (tmp_path / "model.exe").write_text("")
    with pytest.raises(UnderstudyError, match=said):
        model_of(tmp_path / name)


def test_a_broken_pickle_is_an_error_in_words(tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"not a pickle")
    with pytest.raises(UnderstudyError, match=r"failed to read .*model\.pkl: .*use the packages and versions that wrote it"):
        model_of(tmp_path / "model.pkl", trust=True)
