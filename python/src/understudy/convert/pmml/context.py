"""What all parts of a conversion share: the graph, the vocabulary, and the notes for whoever serves the model."""

from __future__ import annotations

from dataclasses import dataclass, field

from .graph import Graph
from .values import Vocabulary

LONGEST = 1_000
"""Characters of a note."""

MAX_NOTES = 50
"""More notes than this nobody reads; the rest is counted."""

MAX_EVALUATIONS = 300_000
"""How many expressions are evaluated at most. Functions that call functions can multiply a small document without bound."""

MAX_NAMES = 10
"""How many fields a note names."""


@dataclass
class Context:
    """One conversion."""

    graph: Graph = field(default_factory=Graph)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    _notes: dict[str, None] = field(default_factory=dict)
    _evaluations: int = 0
    _fields: dict[str, dict[str, None]] = field(default_factory=dict)

    def evaluates(self) -> bool:
        """Count an expression. False if there have been too many."""
        self._evaluations += 1
        return self._evaluations <= MAX_EVALUATIONS

    def note(self, text: str) -> None:
        """Say once what a user of the model must know."""
        self._notes[text[:LONGEST]] = None

    def note_field(self, about: str, name: str) -> None:
        """Say once for all fields of which it is true. `about` follows the list of their names."""
        self._fields.setdefault(about, {})[name] = None

    def notes(self) -> tuple[str, ...]:
        """All notes, at most `MAX_NOTES`."""
        texts = [f"{_listed(list(names))}: {about}" for about, names in self._fields.items()]
        texts += self._notes
        if len(texts) > MAX_NOTES:
            return (*texts[:MAX_NOTES], f"and {len(texts) - MAX_NOTES} further notes")
        return tuple(texts)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"field{'s' if len(names) > 1 else ''} {shown}{more}"
