"""The command `understudy publish`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from understudy.errors import UnderstudyError

DESCRIPTION = """\
Converts a model to ONNX, proves that it answers like the original, evaluates and documents it, stores it,
creates the ModelVersion and requests Staging. The same command again goes on where an earlier one ended.

    understudy publish model.skops --to risk/fraud --data train.parquet --test test.parquet --target fraud
"""
EPILOG = """\
Models: .skops, .pmml and .mlmodel with --answers, and pickles (.pkl, .pickle, .joblib). A pickle runs code when it is read. You are asked before,
and without a terminal you need --trust. Prefer skops: it reads data only.

The store is what the ModelDeployment or its namespace names in the annotation understudy.dev/store. Its
credentials are those of the Secret in understudy.dev/store-secret if you may read it, and otherwise the
variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.

Exit codes: 0 published, 1 something that was passed does not fit, 2 usage, 3 not proven, 4 the store failed,
5 the API server refused a request or did not answer.
"""
STEPS = ("prove", "evaluate", "baseline", "examples", "document")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "publish",
        help="publish a model and request Staging",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, help="the file of the model")
    add("--to", required=True, metavar="NAMESPACE/NAME", help="the ModelDeployment")
    add("--data", required=True, type=Path, metavar="FILE", help="rows that trained the model, .parquet or .csv")
    add("--test", type=Path, metavar="FILE", help="rows that did not train it. Without them, it is not evaluated")
    add("--target", metavar="COLUMN", help="the column of the test rows with the true values")
    add("--drop", action="append", default=[], metavar="COLUMN", help="a column that is no input; may be repeated")
    add("--groups", metavar="COLUMN", help="evaluate each value of this column of the test rows, too")
    add(
        "--answers",
        type=Path,
        metavar="FILE",
        help="what the original system answered to the test rows, for a PMML or Core ML document",
    )
    add("--version", metavar="X.Y.Z", help="the version (default: the one after the highest that exists)")
    add("--bump", choices=["major", "minor", "patch"], default="minor", help="what counts up by default (default: minor)")
    add(
        "--tolerance",
        type=float,
        default=1e-5,
        metavar="NUMBER",
        help="absolute and relative tolerance of the proof (default: 1e-5)",
    )
    add("--description", metavar="TEXT", help="what the model is for, as Markdown")
    add("--about-data", metavar="TEXT", help="on which data it learned")
    add("--limits", metavar="TEXT", help="where it fails")
    add("--card", type=Path, metavar="FILE", help="a model card of your own, Markdown")
    add("--dataset", metavar="TEXT", help="name of the training data (default: their digest)")
    add("--run", dest="run_id", metavar="TEXT", help="the training run (default: that of the CI system)")
    add("--skip", action="append", default=[], choices=STEPS, help="leave out a step; may be repeated")
    add("--no-request", action="store_true", help="do not request Staging")
    add("--store", metavar="URI", help="where files are stored, such as s3://models/risk")
    add("--store-secret", metavar="NAME", help="the Secret with which pods read the store")
    add("--store-endpoint", metavar="URL", help="address of the S3 server as this machine sees it")
    add("--context", metavar="NAME", help="context of the kubeconfig")
    add("--kubeconfig", metavar="FILE", help="the kubeconfig (default: the one that kubectl uses)")
    add("--as", dest="impersonate", metavar="USER", help="act as this user, like kubectl --as")
    add("--trust", action="store_true", help="read a pickle without a question")
    add("--dry-run", action="store_true", help="do everything but store files and write to the cluster")
    add("-o", "--output", choices=["text", "json"], default="text", help="what is printed on stdout (default: text)")
    add("-q", "--quiet", action="store_true", help="show no steps")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Publishes, and prints what was published."""
    from understudy.api import publish
    from understudy.load import model_of
    from understudy.rows_file import rows_of

    if (chosen.test is None) != (chosen.target is None):
        raise UnderstudyError("--test and --target belong together: the test rows, and the column with their true values")
    model = model_of(chosen.model, chosen.trust)
    data = rows_of(chosen.data).drop(columns=[*chosen.drop, *([chosen.target] if chosen.target else [])], errors="ignore")
    test: Any = None
    if chosen.test is not None:
        rows = rows_of(chosen.test)
        if chosen.target not in rows.columns:
            raise UnderstudyError(f"{chosen.test} has no column {chosen.target}")
        test = (rows.drop(columns=chosen.target), rows[chosen.target])
    publication = publish(
        model,
        chosen.to,
        data=data,
        test=test,
        answers=rows_of(chosen.answers) if chosen.answers else None,
        version=chosen.version,
        bump=chosen.bump,
        request=None if chosen.no_request else "Staging",
        tolerance=chosen.tolerance,
        groups=chosen.groups,
        description=chosen.description,
        about_data=chosen.about_data,
        limits=chosen.limits,
        markdown=_text(chosen.card) if chosen.card else None,
        dataset=chosen.dataset,
        run=chosen.run_id,
        skip=chosen.skip,
        store=chosen.store,
        store_secret=chosen.store_secret,
        store_endpoint=chosen.store_endpoint,
        context=chosen.context,
        kubeconfig=chosen.kubeconfig,
        impersonate=chosen.impersonate,
        dry_run=chosen.dry_run,
        quiet=chosen.quiet,
    )
    print(json.dumps(publication.as_json(), indent=2, ensure_ascii=False) if chosen.output == "json" else publication)
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnderstudyError(f"failed to read {path}: {error}") from error
