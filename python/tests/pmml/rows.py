"""Random rows for a PMML document: missing values, unseen categories, and numbers beside every constant of the document."""

from __future__ import annotations

import math
import random
from typing import Any

from understudy.convert.pmml.document import Element, read
from understudy.convert.pmml.predicates import array_items

Row = dict[str, Any]


def fields_of(document: bytes) -> dict[str, tuple[str, bool, list[Any]]]:
    """The type of each field of the data dictionary, whether it has categories, and its interesting values."""
    root = read(document)
    types = {field.need("name"): field.need("dataType") for field in root.the("DataDictionary").all("DataField")}
    values: dict[str, set[str]] = {name: set() for name in types}
    for element in root.walk():
        for name, texts in _constants(element):
            if name in values:
                values[name].update(texts)
    categorical = {field.need("name"): field.get("optype") != "continuous" for field in root.the("DataDictionary").all("DataField")}
    return {
        name: (types[name], categorical[name], [_typed(types[name], text) for text in sorted(found)])
        for name, found in values.items()
    }


def _constants(element: Element) -> list[tuple[str, list[str]]]:
    if element.tag == "DataField":
        found = [value.need("value") for value in element.all("Value")]
        for interval in element.all("Interval"):
            found += [interval.attributes[key] for key in ("leftMargin", "rightMargin") if key in interval.attributes]
        return [(element.need("name"), found)]
    if element.tag in ("SimplePredicate", "NormDiscrete") and "value" in element.attributes:
        return [(element.need("field"), [element.need("value")])]
    if element.tag == "SimpleSetPredicate":
        return [(element.need("field"), array_items(element.the("Array")))]
    if element.tag == "CategoricalPredictor":
        return [(element.need("name"), [element.need("value")])]
    if element.tag == "PPCell":
        return [(element.need("predictorName"), [element.need("value")])]
    if element.tag == "NormContinuous":
        return [(element.need("field"), [norm.need("orig") for norm in element.all("LinearNorm")])]
    if element.tag == "MiningField":
        return [(element.need("name"), [element.attributes[key] for key in ("lowValue", "highValue") if key in element.attributes])]
    if element.tag == "Discretize":
        margins = [
            interval.attributes[key]
            for bin_ in element.all("DiscretizeBin")
            for interval in bin_.all("Interval")
            for key in ("leftMargin", "rightMargin")
            if key in interval.attributes
        ]
        return [(element.need("field"), margins)]
    if element.tag == "MapValues":
        table = element.first("InlineTable")
        found = []
        for pair in element.all("FieldColumnPair"):
            texts = [cell.text for row in (table.children if table else []) for cell in row.all(pair.need("column"))]
            found.append((pair.need("field"), texts))
        return found
    return []


def _typed(data_type: str, text: str) -> Any:
    if data_type == "string":
        return text
    if data_type == "boolean":
        return text.strip().lower() in ("true", "1")
    try:
        return float(text)
    except ValueError:
        return 0.0


def make(document: bytes, names: list[str], count: int, seed: int, missing: float = 0.08) -> list[Row]:
    """Rows with a value for each of the fields; None is missing."""
    randoms = random.Random(seed)
    fields = fields_of(document)
    return [{name: _value(randoms, *fields[name], missing) for name in names} for _ in range(count)]


def _value(randoms: random.Random, data_type: str, categorical: bool, known: list[Any], missing: float) -> Any:
    if data_type == "boolean":
        return randoms.random() < 0.5
    if randoms.random() < missing:
        return None
    if data_type == "string":
        known = [text for text in known if text]
        return "unseen" if not known or randoms.random() < 0.05 else randoms.choice(known)
    if known and categorical:
        return 99.0 if randoms.random() < 0.04 else randoms.choice(known)
    if known and randoms.random() < 0.5:
        number = randoms.choice(known)
        if data_type == "integer":
            return float(round(number))
        if math.isfinite(number):
            # Without the sign of zero, which JSON loses on the way to pypmml.
            number = randoms.choice([number, math.nextafter(number, math.inf), math.nextafter(number, -math.inf)]) + 0.0
            if data_type == "float":
                number = randoms.choice(known)
        return number
    low, high = (min(known), max(known)) if known else (-3.0, 3.0)
    spread = max(high - low, 1.0)
    number = randoms.uniform(low - 0.3 * spread, high + 0.3 * spread)
    return float(round(number)) if data_type == "integer" else number
