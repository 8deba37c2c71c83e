"""The same data through our code and through scipy, scikit-learn, statsmodels, NannyML and Evidently give the same measures.

    python compare.py MEASURES          MEASURES is the binary of stats/examples/measures.rs

`make test-models ARGS=statistics` runs it. It prints a table and fails if a difference is larger than allowed. A measure that we
do not have is `-`: print it in stats/examples/measures.rs with the name that columns.py or outcomes.py reads.
"""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

STATS = Path(__file__).resolve().parents[2]
PACKAGE = STATS.parent / "python" / "src"
sys.path.insert(0, str(PACKAGE))
# The peers use functions that pandas and numpy will remove.
warnings.filterwarnings("ignore")

import columns
import data
import outcomes
import parts
from table import Table
from understudy import baseline

# More bins lose less: the tolerances for raw values are smaller.
BINS = 20


def main() -> int:
    table = Table()
    training, calls = data.drift()
    made = json.loads(baseline.dump(baseline.of(training, bins=BINS)))
    files(table)
    parts.compare(training, table)
    table.head()
    sent = [{"role": "input", "name": name, "values": values(calls[name])} for name in calls]
    for of in data.outcomes():
        ours = measures(of, made, sent)
        if sent:
            drift = {each["name"]: each for each in ours["columns"]}
            for column in made["columns"]:
                name = column["name"]
                columns.compare(columns.Column(column, training[name], calls[name]), drift[name], table)
        outcomes.compare(of, ours["outcomes"], table)
        sent = []
    print(f"{table.compared:6} values compared with a peer's")
    print(f"{table.checked:6} counts of baselines compared with those of pandas")
    for failure in table.failures:
        print(f"FAILED  {failure}")
    return 1 if table.failures else 0


def measures(of: data.Outcomes, made: dict, sent: list[dict]) -> dict:
    """Our measures. `scores` and `numbers` are for measures of scores and of regressions."""
    rows = zip(of.label, of.labels["main"], of.labels["challenger"], strict=True)
    document = {
        "baseline": made,
        "columns": sent,
        "outcomes": [{"class": label, "main": main, "challenger": challenger} for label, main, challenger in rows],
        "classes": data.CLASSES,
        "scores": {version: scores.tolist() for version, scores in of.scores.items()},
        "numbers": {"truth": of.number.tolist()} | {version: numbers.tolist() for version, numbers in of.numbers.items()},
    }
    run = subprocess.run([sys.argv[1]], input=json.dumps(document), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def values(column) -> list:
    """JSON has no NaN."""
    return [None if value is None or value != value else value for value in column.tolist()]


def files(table: Table) -> None:
    """The committed baselines of the unit tests are what the package writes."""
    tests = STATS / "tests"
    run = subprocess.run([sys.executable, "chunks.py", "--check"], cwd=tests, stderr=subprocess.PIPE, text=True)
    table.same("stats/tests/baseline-chunks.json", run.stderr, "")
    command = ["-m", "understudy", "baseline", "training.csv", "--outputs", "predictions.csv"]
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path}
    run = subprocess.run([sys.executable, *command], cwd=tests, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    table.same("stats/tests/baseline.json", run.stdout, (tests / "baseline.json").read_bytes())


if __name__ == "__main__":
    sys.exit(main())
