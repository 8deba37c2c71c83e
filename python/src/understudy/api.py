"""The functions that users call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.errors import UnderstudyError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from understudy.original import Answers
    from understudy.publication import Publication
    from understudy.table import Rows


def publish(
    model: Any,
    to: str,
    *,
    data: Rows,
    test: tuple[Rows, Any] | None = None,
    features: Sequence[str] | None = None,
    answers: pd.DataFrame | None = None,
    version: str | None = None,
    bump: str = "minor",
    request: str | None = "Staging",
    tolerance: float | tuple[float, float] = 1e-5,
    metrics: Mapping[str, Callable[[npt.NDArray[Any], Answers], float]] | None = None,
    groups: str | None = None,
    description: str | None = None,
    about_data: str | None = None,
    limits: str | None = None,
    markdown: str | None = None,
    dataset: str | None = None,
    run: str | None = None,
    skip: Sequence[str] = (),
    store: str | None = None,
    store_secret: str | None = None,
    store_endpoint: str | None = None,
    context: str | None = None,
    kubeconfig: str | None = None,
    impersonate: str | None = None,
    trust: bool = False,
    dry_run: bool = False,
    quiet: bool = False,
) -> Publication:
    """Publishes a model: converts it to ONNX, proves that it answers like the original, evaluates and documents it, stores it,
    creates the ModelVersion, and requests a stage.

    The same call again goes on where an earlier one ended, and changes nothing that is there.

    Args:
        model: A fitted model, or the path of a file with one: `.skops`, `.pmml`, `.mlmodel`, or a pickle, which runs code.
        to: The ModelDeployment, as `namespace/name`. It must exist.
        data: Rows that trained the model: a DataFrame with a column for each input, or an array.
        test: Rows that did not train it, and their true values. Without it, the model is not evaluated, and `data` are the rows of
            the proof.
        features: Names of the columns, if the rows are an array.
        answers: What the original system answered to the test rows, for a model that does not run in Python, such as a PMML document:
            a table with the columns `label` and one for the score of each class, or `prediction`.
        version: The semantic version. Without it, the one after the highest that exists.
        bump: The part of the version that counts up then: `major`, `minor` or `patch`.
        request: The stage to request: `Staging`, or None.
        tolerance: How far a number may be from the original's: the absolute tolerance and the relative one, or one number for both.
        metrics: More metrics by name, as functions of the true values and the answers. Larger must be better.
        groups: A column of the test rows. Each metric is computed for each of its values, too. The model need not have it.
        description: What the model is for, as Markdown. This and the next two go into the model card.
        about_data: On which data it learned.
        limits: Where it fails.
        markdown: A model card of your own, instead of the one that is made.
        dataset: The name of the training data. Without it, their digest.
        run: The training run: an id or an address. Without it, that of GitHub Actions, GitLab CI, Jenkins or MLflow, if there is one.
        skip: Steps to leave out: `prove`, `evaluate`, `baseline`, `examples`, `document`.
        store: Where files are stored, such as `s3://models/risk`. Without it, what the ModelDeployment or its namespace names in the
            annotation `understudy.dev/store`.
        store_secret: The Secret with which pods read the store. Without it, that of the annotation `understudy.dev/store-secret`.
        store_endpoint: The address of the S3 server as this machine sees it, if it is another one than the cluster's.
        context: The context of the kubeconfig.
        kubeconfig: The kubeconfig. Without it, the one that kubectl uses.
        impersonate: The user to act as, like `kubectl --as`.
        trust: Reads a pickle, or types that skops does not know, without a question.
        dry_run: Does everything but store files and write to the cluster.
        quiet: Shows no steps.

    Returns:
        The publication: its name, the proof, the evaluation, and the command with which a colleague reviews it.

    Raises:
        NotConvertible: The model has no ONNX form.
        NotProven: An answer differs beyond the tolerance.
        StoreFailed: A file could not be stored.
        ClusterFailed: The API server refused a request or did not answer.
        UnderstudyError: Something that was passed does not fit. It is the base of the others.
    """
    from understudy.card import Text
    from understudy.cluster import Cluster
    from understudy.load import model_of
    from understudy.prepare import SKIPPABLE, Wishes
    from understudy.prove.difference import Tolerance
    from understudy.publishing import publish as run_all
    from understudy.steps import Steps

    unknown = sorted(set(skip) - set(SKIPPABLE))
    if unknown:
        raise UnderstudyError(f"skip names steps that do not exist: {', '.join(unknown)}; use {', '.join(SKIPPABLE)}")
    if request not in (None, "Staging"):
        raise UnderstudyError(f"request {request!r}: a new version starts with Staging; request Production once it is there")
    absolute, relative = tolerance if isinstance(tolerance, tuple) else (tolerance, tolerance)
    if isinstance(model, str | Path):
        model = model_of(Path(model), trust)
    wishes = Wishes(
        features,
        answers,
        Tolerance(absolute, relative),
        dict(metrics or {}),
        groups,
        Text(description, about_data, limits),
        markdown,
        dataset,
        run,
        frozenset(skip),
    )
    return run_all(
        model,
        to,
        data=data,
        test=test,
        wishes=wishes,
        cluster=Cluster(context, kubeconfig, impersonate),
        version=version,
        bump=bump,
        request=request,
        store=store,
        store_secret=store_secret,
        store_endpoint=store_endpoint,
        dry_run=dry_run,
        steps=Steps.shown(quiet),
    )
