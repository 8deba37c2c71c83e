"""The likely cause of a difference, from where the differing rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.convert.converted import Converted
    from understudy.prove.report import Report


def likely_cause(converted: Converted, report: Report) -> str:
    """What probably went wrong, and what to do, in a sentence or two."""
    differ = {part.sort: part for part in report.parts if part.differ}
    test = differ.get("test rows")
    edges = differ.get("rows next to a threshold")
    missing = [sort.removeprefix("missing ") for sort in differ if sort.startswith("missing ")]
    unseen = [sort.removeprefix("unseen category of ") for sort in differ if sort.startswith("unseen category of ")]
    share = test.differ / test.rows if test and test.rows else 0.0
    if share > 0.5:
        return (
            "Most rows of the test differ. The columns, the classes or the scores are probably in another order than in the training, "
            "or the preparation of the data differs."
        )
    if edges or test:
        if converted.inputs.single:
            return (
                "Some rows differ, and numbers have 32 bits. A number is probably rounded to the other side of a threshold. Use a DataFrame "
                "or an array with 64-bit numbers."
            )
        return "Rows next to thresholds, or rows with large numbers, differ. A step of the conversion probably computes with 32-bit numbers."
    if missing or unseen:
        what = [f"missing values of {', '.join(missing)}"] if missing else []
        what += [f"unseen categories of {', '.join(unseen)}"] if unseen else []
        return (
            f"Only {' and '.join(what)} differ. The model treats them in a way that the conversion does not know: add a step that replaces "
            "them. If missing texts are None, make them NaN before the training: SimpleImputer does not replace None."
        )
    return "The differences have no pattern that is known."
