"""What pypmml answers for rows. Needs pypmml and Java; only the recorder and the differential test use it."""

from __future__ import annotations

import json
import math
from typing import Any

from pypmml import Model

from understudy.convert.pmml.document import read

Row = dict[str, Any]
Answer = dict[str, Any]


class PyPmml:
    """A document in pypmml."""

    def __init__(self, document: bytes) -> None:
        self._model = Model.fromString(document.decode())
        root = read(document)
        self._classification = self._model.functionName == "classification"
        model = next(child for child in root.children if child.tag.endswith("Model") or child.tag == "Scorecard")
        # pypmml names a class also where it has no probabilities, which are what decides.
        self._probabilities_decide = model.tag != "TreeModel"
        self._value, self._probabilities = self._columns()

    def _columns(self) -> tuple[str | None, dict[str, str]]:
        value = None
        probabilities = {}
        for field in self._model.outputFields:
            feature = str(field.feature)
            if feature == "predictedValue" and value is None:
                value = field.name
            elif feature == "probability" and field.value is not None:
                probabilities[_text(field.value)] = field.name
        return value, probabilities

    def score(self, rows: list[Row]) -> list[Answer]:
        """The answers for rows; None is a missing value."""
        sent = [{name: value for name, value in row.items() if value is not None} for row in rows]
        answers = []
        for result in json.loads(self._model.predict(json.dumps(sent))):
            value = result.get(self._value)
            if value == -(2**63):  # pypmml's way to say that an integer is missing
                value = None
            if not self._classification:
                number = None if value is None or (not math.isfinite(float(value)) and math.isnan(float(value))) else float(value)
                answers.append({"value": number})
                continue
            answer: Answer = {"value": None if value is None else _text(value)}
            if self._probabilities:
                answer["probabilities"] = {name: result.get(column) for name, column in self._probabilities.items()}
                if self._value is None and None not in answer["probabilities"].values():
                    answer["value"] = max(answer["probabilities"], key=lambda name: answer["probabilities"][name])
                if self._probabilities_decide and all(p is None for p in answer["probabilities"].values()):
                    answer["value"] = None
            answers.append(answer)
        return answers


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == math.floor(value):
        return str(int(value))
    return str(value)
