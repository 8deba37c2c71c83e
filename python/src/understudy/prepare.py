"""Everything that a publication needs and no cluster: the model as ONNX, the proof, the evaluation, baseline, examples and card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from understudy.card import Text, card
from understudy.errors import NotProven, UnderstudyError
from understudy.prove.difference import Tolerance
from understudy.steps import Steps

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from understudy.convert.converted import Converted
    from understudy.evaluate import Evaluation
    from understudy.original import Answers
    from understudy.prove import Proof, Report
    from understudy.provenance import Provenance
    from understudy.table import Rows

SKIPPABLE = ("prove", "evaluate", "baseline", "examples", "document")


@dataclass(frozen=True)
class Wishes:
    """What the caller wants to be otherwise than usual."""

    features: Sequence[str] | None = None
    answers: pd.DataFrame | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    metrics: Mapping[str, Callable[[npt.NDArray[Any], Answers], float]] = field(default_factory=dict)
    groups: str | None = None
    text: Text = field(default_factory=Text)
    markdown: str | None = None
    dataset: str | None = None
    run: str | None = None
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Prepared:
    """A model with all of its evidence."""

    converted: Converted
    files: dict[str, bytes]
    """`artifact`, and perhaps `baseline` and `examples`."""
    markdown: str | None
    proof: Report | None
    evaluation: Evaluation | None
    evaluated_on: str | None
    provenance: Provenance
    tolerance: Tolerance


def prepare(model: Any, title: str, data: Rows, test: tuple[Rows, Any] | None, wishes: Wishes, steps: Steps) -> Prepared:
    """Makes all of it, step by step.

    Raises:
        NotConvertible: The model has no ONNX form.
        NotProven: An answer differs beyond the tolerance.
        UnderstudyError: Something that was passed does not fit.
    """
    from understudy import convert, provenance
    from understudy.table import frame_of

    with steps.step("convert") as step:
        converted = convert.convert(model, data, wishes.features, wishes.answers)
        _describe(converted)
        files = {"artifact": converted.model.SerializeToString(deterministic=True)}
        step.says = f"{converted.original.described}, to ONNX: {_size(files['artifact'])}"
        step.details += converted.notes
    names = [column.name for column in converted.original.columns]
    training = frame_of(data, names)
    rows = training if test is None else frame_of(test[0], names)
    _check(names, rows, wishes.groups, test is not None)

    proof, evaluation, evaluated_on = None, None, None
    if _runs("prove", wishes, steps):
        proof = _prove(converted, rows, wishes.tolerance, steps)
    if test is None:
        steps.skip("evaluate", "no test rows were passed")
    elif _runs("evaluate", wishes, steps):
        evaluation = _evaluate(converted, rows, test[1], wishes, steps)
        evaluated_on = provenance.digest_of(rows)
    if _runs("baseline", wishes, steps):
        files["baseline"] = _baseline(converted, training, steps)
    if proof is None:
        steps.skip("examples", "they are rows of the proof")
    elif _runs("examples", wishes, steps):
        _add_examples(files, proof, converted, steps)
    with steps.step("document") as step:
        origin = provenance.gather(training, wishes.run, wishes.dataset)
        found = proof.report if proof else None
        markdown = wishes.markdown or card(title, converted, wishes.text, found, evaluation, origin)
        documented = "document" not in wishes.skip
        step.says = f"{len(markdown)} characters" if documented else "skipped"
    return Prepared(converted, files, markdown if documented else None, found, evaluation, evaluated_on, origin, wishes.tolerance)


def _describe(converted: Converted) -> None:
    """Writes into the model what the server and the form want to know: the names of a vector's columns, and those of classes."""
    import json

    from onnx import helper

    known = {each.key: each.value for each in converted.model.metadata_props}
    if converted.inputs.vector:
        known["feature_names"] = json.dumps(converted.inputs.names, ensure_ascii=False)
    if converted.original.labels:
        known["labels"] = json.dumps([str(label) for label in converted.original.labels], ensure_ascii=False)
    helper.set_model_props(converted.model, dict(sorted(known.items())))


def _runs(name: str, wishes: Wishes, steps: Steps) -> bool:
    if name in wishes.skip:
        steps.skip(name, "skipped")
        return False
    return True


def _check(names: list[str], rows: pd.DataFrame, groups: str | None, has_test: bool) -> None:
    whose = "test rows" if has_test else "rows"
    absent = [name for name in names if name not in rows.columns]
    if absent:
        raise UnderstudyError(f"the {whose} lack columns that the model was trained on: {', '.join(absent[:10])}")
    if groups is not None and groups not in rows.columns:
        raise UnderstudyError(f"groups names the column {groups}, which the {whose} do not have")
    if len(rows) == 0:
        raise UnderstudyError(f"there are no {whose}: pass at least a few hundred")


def _prove(converted: Converted, rows: pd.DataFrame, tolerance: Tolerance, steps: Steps) -> Proof:
    from understudy.prove import prove, words
    from understudy.prove.cause import likely_cause

    with steps.step("prove") as step:
        proof = prove(converted, rows, tolerance)
        step.says = words.summary(proof.report)
        if not proof.report.proven:
            told = words.lines(proof.report, likely_cause(converted, proof.report))
            raise NotProven("the converted model does not answer like the original: " + "\n".join(told))
    return proof


def _evaluate(converted: Converted, rows: pd.DataFrame, truth: Any, wishes: Wishes, steps: Steps) -> Evaluation:
    import numpy as np

    from understudy.evaluate import evaluate
    from understudy.runtime import Session

    with steps.step("evaluate") as step:
        groups = rows[wishes.groups] if wishes.groups else None
        answers = Session(converted).answer(rows)
        evaluation = evaluate(converted.original, np.asarray(truth), answers, wishes.metrics, groups)
        step.says = ", ".join(f"{figure.name} {figure.value:.4g}" for figure in evaluation.figures[:4])
        step.details += evaluation.left_out
    return evaluation


def _baseline(converted: Converted, training: pd.DataFrame, steps: Steps) -> bytes:
    import pandas as pd

    from understudy import baseline
    from understudy.runtime import Session

    with steps.step("baseline") as step:
        answers = Session(converted).answer(training)
        outputs = pd.DataFrame(
            {name: list(values) if values.ndim > 1 and values.shape[1] > 1 else values.ravel() for name, values in answers.items()}
        )
        inputs = training[[column.name for column in converted.inputs.columns]]
        content: bytes = baseline.dump(baseline.of(inputs, outputs)).encode()
        step.says = f"{len(training)} rows, {inputs.shape[1]} inputs: {_size(content)}"
    return content


def _add_examples(files: dict[str, bytes], proof: Proof, converted: Converted, steps: Steps) -> None:
    from understudy.examples import examples

    with steps.step("examples") as step:
        made = examples(proof.asked, converted.inputs)
        if made:
            files["examples"] = made
            lines = made.count(b"\n")
            step.says = f"{lines} rows with the answers of the original"
        else:
            step.says = "none: every row has a missing number, which JSON does not have"


def _size(content: bytes) -> str:
    size = float(len(content))
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
