"""The model card: what a reviewer reads before approving, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.prove import words

if TYPE_CHECKING:
    from understudy.convert.converted import Converted
    from understudy.evaluate import Evaluation, Figure
    from understudy.prove.report import Report
    from understudy.provenance import Provenance

LONGEST = 65_536
"""Characters that `spec.documentation.markdown` holds."""
MOST_COLUMNS = 60


@dataclass(frozen=True)
class Text:
    """What only a person can write."""

    description: str | None = None
    """What the model is for."""
    data: str | None = None
    """On which data it learned."""
    limits: str | None = None
    """Where it fails, and what it must not be used for."""


def card(
    title: str, converted: Converted, text: Text, proof: Report | None, evaluation: Evaluation | None, provenance: Provenance
) -> str:
    """The card. What was not given is said to be missing, so that a reviewer can ask for it."""
    parts = [f"# {title}", text.description or "*The author gave no description.*"]
    parts += ["## Model", _model(converted)]
    parts += ["## Data", text.data or "*The author did not describe the training data.*"]
    parts += ["## Evaluation", _evaluation(evaluation)]
    parts += ["## Same answers as the original", _proof(proof)]
    parts += ["## Limits", text.limits or "*The author named no limits.*"]
    parts += ["## Provenance", _provenance(provenance)]
    whole = "\n\n".join(parts) + "\n"
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 40] + "\n\n*The card was cut here.*\n"


def _model(converted: Converted) -> str:
    original = converted.original
    columns = [f"`{column.name}` ({column.kind.value})" for column in converted.inputs.columns]
    shown = ", ".join(columns[:MOST_COLUMNS]) + (f", and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else "")
    told = [
        f"{original.described}: {original.task.value}.",
        f"**Inputs**: {shown}.",
        f"**Outputs**: {', '.join(f'`{name}`' for name in original.outputs)}.",
    ]
    if original.labels:
        told.append(
            f"**Classes**, in the order of the scores: {', '.join(str(label) for label in original.labels[:MOST_COLUMNS])}."
        )
    return "\n\n".join([*told, *converted.notes])


def _evaluation(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "*Not evaluated.*"
    told = [f"On {evaluation.rows} rows that did not train the model. Intervals are 95 %, by bootstrap."]
    rows = [f"| {figure.name} | {_value(figure)} |" for figure in evaluation.figures]
    told.append("\n".join(["| metric | value |", "|---|---|", *rows]))
    if evaluation.groups:
        names = [figure.name for figure in evaluation.figures]
        head = ["| group | rows | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
        for group in evaluation.groups:
            values = {figure.name: _value(figure) for figure in group.figures}
            head.append(
                f"| {_cell(f'{group.column} = {group.value}')} | {group.rows} | "
                + " | ".join(values.get(name, "") for name in names)
                + " |"
            )
        told.append("\n".join(head))
    told += [f"{each[0].upper()}{each[1:]}." for each in evaluation.left_out]
    return "\n\n".join(told)


def _value(figure: Figure) -> str:
    interval = "" if figure.low is None or figure.high is None else f" ({figure.low:.4g} to {figure.high:.4g})"
    return f"{figure.value:.4g}{interval}"


def _cell(text: str) -> str:
    """Text inside a table of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")


def _proof(proof: Report | None) -> str:
    if proof is None:
        return "*Not proven: the author skipped the proof.*"
    sorts = [part.sort for part in proof.parts if part.rows]
    told = [
        f"The trained model and the published one answered the same rows: {words.summary(proof)}. "
        f"The tolerance is {proof.tolerance.absolute:g} + {proof.tolerance.relative:g} of the expected number.",
        f"Asked: {', '.join(sorts[:MOST_COLUMNS])}.",
    ]
    refused = [part.sort for part in proof.parts if part.refused]
    if refused:
        told.append(
            f"The trained model refuses these rows, and the published one answers them: {', '.join(refused[:MOST_COLUMNS])}."
        )
    if proof.ties:
        told.append(f"{proof.ties} rows have another label, of classes with equal scores.")
    return "\n\n".join(told)


def _provenance(provenance: Provenance) -> str:
    # Not the run: a job that is tried again makes the same card. spec.provenance has it.
    rows = [("Git commit", provenance.git_commit), ("Training data", provenance.dataset)]
    told = [f"- {name}: {value}" for name, value in rows if value]
    return "\n".join([*told, f"- Packages: {', '.join(provenance.packages)}"])
