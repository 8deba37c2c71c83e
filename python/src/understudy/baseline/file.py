"""The file: a baseline as JSON of at most 4 MB."""

import json
import warnings
from typing import Any

from understudy.baseline.limits import MOST_BYTES

# Separators of JSON without spaces.
SHORT = (",", ":")


def dump(made: dict[str, Any]) -> str:
    """A baseline as JSON, one line for each column.

    Chunks, and then seasons, are left out if the file is too large with them, with a warning.
    """
    text = as_json(made)
    for field in ("chunks", "seasons"):
        size = len(text.encode())
        if size <= MOST_BYTES or field not in made:
            continue
        advice = "drop columns, or use fewer bins" + (" or --season hour" if made.get("seasons") == "hourOfWeek" else "")
        warnings.warn(
            f"the baseline has {size} bytes, at most {MOST_BYTES} are read: {field} are left out; to keep them, {advice}",
            stacklevel=2,
        )
        made = without(field, made) | {"columns": [without(field, column) for column in made["columns"]]}
        text = as_json(made)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(f"the baseline has {size} bytes, at most {MOST_BYTES} are read: use fewer columns or bins")
    return text


def as_json(made: dict[str, Any]) -> str:
    """The JSON, with one line for each column."""
    columns = ",\n".join("{" + fields(column) + "}" for column in made["columns"])
    more = {key: value for key, value in made.items() if key not in ("version", "columns")}
    return '{"version": 1, "columns": [\n' + columns + "\n]" + (", " + fields(more) if more else "") + "}\n"


def fields(of: dict[str, Any]) -> str:
    """The fields of a JSON object. Tables of counts are without spaces: they are most of the file."""

    def text_of(value: object) -> str:
        is_table = isinstance(value, list) and isinstance(value[0], list)
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=SHORT if is_table else None)

    return ", ".join(f"{json.dumps(key)}: {text_of(value)}" for key, value in of.items())


def without(field: str, of: dict[str, Any]) -> dict[str, Any]:
    """The object without this field."""
    return {key: value for key, value in of.items() if key != field}
