"""Names of fields and what they are in the graph. A model sees its own fields, then those of the model around it."""

from __future__ import annotations

from collections.abc import Callable

from .context import Context
from .document import Element
from .refusal import malformed
from .values import Value

Make = Callable[[], Value]


class Scope:
    """Fields by name. A field is made when it is first read, so that fields that no model uses need nothing."""

    def __init__(self, context: Context, parent: Scope | None = None) -> None:
        self.context = context
        self.parent = parent
        self.functions: dict[str, Element] = {} if parent is None else parent.functions
        self._fields: dict[str, Make | Value] = {}
        self._being_made: set[str] = set()

    def define(self, name: str, field: Make | Value) -> None:
        """Return a name to a field."""
        self._fields[name] = field

    def find(self, name: str, element: Element) -> Value | None:
        """Return the field of this name, or None. `element` is the one that reads it."""
        found = self._fields.get(name)
        if found is None:
            return None if self.parent is None else self.parent.find(name, element)
        if isinstance(found, Value):
            return found
        if name in self._being_made:
            raise malformed(element, f"the field {name!r} is derived from itself")
        self._being_made.add(name)
        try:
            made = found()
        finally:
            self._being_made.discard(name)
        self._fields[name] = made
        return made

    def field(self, name: str, element: Element) -> Value:
        """Return the field of this name. `element` is the one that reads it."""
        found = self.find(name, element)
        if found is None:
            raise malformed(element, f"the field {name!r} is not defined, or not an active field of the model")
        return found
