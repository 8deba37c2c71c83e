"""The command `understudy baseline`, as a user runs it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from understudy import baseline

SOURCE = Path(__file__).parents[2] / "src"


def run(*arguments, blocked=(), cwd=None, start=("-m", "understudy")):
    """Runs the command. Modules in `blocked` cannot be imported, as if they were not installed."""
    code = (
        "import sys, runpy\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {list(blocked)!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "runpy.run_module('understudy', run_name='__main__', alter_sys=True)\n"
    )
    start = ("-c", code) if blocked else start
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, *start, *arguments], cwd=cwd, env=environment, capture_output=True)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.csv").write_text("age,country,id\n31,NA,1\n42,DE,2\n,NA,3\n", encoding="utf-8")
    (tmp_path / "predictions.csv").write_text("label\n0\n1\n0\n", encoding="utf-8")
    return tmp_path


def test_the_command_writes_the_bytes_of_the_functions_and_prints_their_sha256(folder):
    arguments = ("train.csv", "--outputs", "predictions.csv", "--drop", "id", "--categorical", "age", "-o", "made.json")
    done = run("baseline", *arguments, cwd=folder)
    made = (folder / "made.json").read_bytes()
    frame = pd.DataFrame({"age": [31, 42, None], "country": ["NA", "DE", "NA"]})
    expected = baseline.dump(baseline.of(frame, pd.DataFrame({"label": [0, 1, 0]}), categorical=["age"]))
    assert (done.returncode, made) == (0, expected.encode())
    assert hashlib.sha256(made).hexdigest() in done.stderr.decode()


def test_na_is_namibia_and_not_a_missing_value(folder):
    country = json.loads(run("baseline", "train.csv", cwd=folder).stdout)["columns"][1]
    assert (country["counts"], country["missing"]) == ({"DE": 1, "NA": 2}, 0)


def test_parquet_and_csv_give_the_same_baseline(folder):
    pd.read_csv(folder / "train.csv", keep_default_na=False, na_values=[""]).to_parquet(folder / "train.parquet")
    csv, parquet = (run("baseline", f"train.{kind}", cwd=folder) for kind in ("csv", "parquet"))
    assert csv.stdout == parquet.stdout != b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.csv"], "absent.csv does not exist"),
        (["train.csv", "--drop", "nothing"], "--drop lists columns that do not exist: nothing"),
        (["train.csv", "--time", "when"], "--time when: the inputs have no such column"),
        (["train.csv", "--window", "1h"], "window needs the time of each row: add --time COLUMN"),
        (["train.csv", "-o", "absent/made.json"], "absent"),
    ],
)
def test_an_error_is_one_line_that_names_the_command_and_the_exit_code_is_1(folder, arguments, message):
    done = run("baseline", *arguments, cwd=folder)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("understudy baseline: ")
    assert message in line
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("arguments", [[], ["publishh"], ["baseline"], ["baseline", "train.csv", "--season", "year"]])
def test_a_usage_error_has_the_exit_code_2(folder, arguments):
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stderr[:6]) == (2, b"usage:")


def test_a_warning_is_one_line_on_standard_error(folder):
    (folder / "gaps.csv").write_text("x,empty\n1,\n2,\n", encoding="utf-8")
    assert b"warning: input empty has no value and is left out\n" in run("baseline", "gaps.csv", cwd=folder).stderr


def test_without_pandas_the_message_says_what_to_install(folder):
    done = run("baseline", "train.csv", blocked=["numpy", "pandas"], cwd=folder)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("understudy baseline: ")
    assert "pip install 'understudy[onnx]'" in done.stderr.decode()


def test_without_pyarrow_the_message_for_parquet_says_what_to_install(folder):
    (folder / "train.parquet").write_bytes(b"PAR1")
    done = run("baseline", "train.parquet", blocked=["pyarrow", "fastparquet"], cwd=folder)
    assert done.returncode == 1
    assert b"pip install 'understudy[parquet]'" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["baseline", "--help"]])
def test_help_needs_none_of_the_heavy_packages(arguments):
    done = run(*arguments, blocked=["numpy", "pandas", "pyarrow", "kubernetes", "obstore"])
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"baseline" in done.stdout


def test_import_loads_no_heavy_package_and_from_understudy_import_baseline_neither():
    code = (
        "import sys, understudy; from understudy import baseline; understudy.baseline; print({'numpy', 'pandas'} & {*sys.modules})"
    )
    assert run(start=("-c", code)).stdout == b"set()\n"


def test_of_and_dump_are_the_public_functions():
    from understudy.baseline import dump, of

    assert (dump, of) == (baseline.dump, baseline.of)
    assert {"dump", "of"} <= {*dir(baseline)}
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        baseline.absent  # noqa: B018
