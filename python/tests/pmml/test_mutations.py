"""A document in which anything is changed converts to a model that loads, or is refused with an error of this package."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from understudy.convert.pmml import MalformedPmmlError, UnsupportedPmmlError, to_onnx

from .scoring import Scorer

DOCUMENTS = [path.read_text() for path in sorted((Path(__file__).parent / "documents").glob("*.pmml"))]
VALUES = [
    "",
    "-1",
    "0",
    "1e400",
    "x",
    "true",
    "NaN",
    "INF",
    "double",
    "string",
    "integer",
    "float",
    "date",
    "9" * 400,
    "y",
    "median",
]
ATTRIBUTE = re.compile(r' (\w+)="([^"]*)"')
LEAF = re.compile(r"<\w+[^<>]*/>")


def changed(randoms: random.Random, document: str) -> str:
    """A document with an attribute replaced or removed, or an element removed or doubled."""
    what = randoms.choice(["value", "value", "other value", "no attribute", "element"])
    found = randoms.choice(list((LEAF if what == "element" else ATTRIBUTE).finditer(document)))
    if what == "element":
        new = randoms.choice(["", found[0] * 2, "<True/>"])
    elif what == "no attribute":
        new = ""
    else:
        value = randoms.choice(VALUES) if what == "value" else randoms.choice(ATTRIBUTE.findall(document))[1]
        new = f' {found[1]}="{value}"'
    return document[: found.start()] + new + document[found.end() :]


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_document_converts_or_is_refused(seed: int) -> None:
    randoms = random.Random(seed)
    converted = refused = 0
    for _ in range(80):
        document = randoms.choice(DOCUMENTS)
        for _ in range(randoms.randint(1, 3)):
            document = changed(randoms, document)
        try:
            model = to_onnx(document.encode()).model
        except (MalformedPmmlError, UnsupportedPmmlError):
            refused += 1
            continue
        scorer = Scorer(model)
        scorer.score([dict.fromkeys(scorer.names)])
        converted += 1
    assert converted > 10
    assert refused > 10
