"""A report as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.prove.report import Report, Worst

MOST_SORTS, MOST_VALUES = 6, 8


def summary(report: Report) -> str:
    """The report in one line."""
    found = f"{report.rows} rows, largest difference {report.largest:.2g} (median {report.median:.2g}, 99 % {report.p99:.2g})"
    if report.proven:
        return f"{found}, none beyond tolerance"
    return f"{found}, {report.beyond} beyond tolerance, {report.flipped} other labels"


def lines(report: Report, cause: str) -> list[str]:
    """What a person needs to mend the model: where rows differ, the worst of them, and the likely cause."""
    told = [summary(report)]
    differ = [part for part in report.parts if part.differ]
    told += [f"  {part.sort}: {part.differ} of {part.rows} rows differ" for part in differ[:MOST_SORTS]]
    told += [f"  and {len(differ) - MOST_SORTS} more sorts of rows"] if len(differ) > MOST_SORTS else []
    told.append("Worst rows:")
    told += [f"  {_row(worst)}" for worst in report.worst]
    told.append(f"Likely cause: {cause}")
    return told


def _row(worst: Worst) -> str:
    row = ", ".join(f"{name}={_short(value)}" for name, value in list(worst.row.items())[:MOST_VALUES])
    more = f", and {len(worst.row) - MOST_VALUES} more" if len(worst.row) > MOST_VALUES else ""
    return f"{worst.sort}: {row}{more}: expected {_answer(worst.expected)}, got {_answer(worst.got)}"


def _answer(answer: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in answer.items())


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_short(each) for each in value[:6]) + (", ..." if len(value) > 6 else "") + "]"
    # Enough digits to see on which side of a threshold a number is.
    return f"{value:.9g}" if isinstance(value, float) else str(value)
