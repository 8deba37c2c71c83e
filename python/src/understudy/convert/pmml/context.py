"""What all parts of a conversion share: the graph, the vocabulary, and the notes for whoever serves the model."""

from __future__ import annotations

from dataclasses import dataclass, field

from .graph import Graph
from .values import Vocabulary

MAX_NOTES = 50
"""More notes than this nobody reads; the rest is counted."""


@dataclass
class Context:
    """One conversion."""

    graph: Graph = field(default_factory=Graph)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    _notes: dict[str, int] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Say once what a user of the model must know."""
        self._notes[text] = self._notes.get(text, 0) + 1

    def notes(self) -> tuple[str, ...]:
        """All notes, at most `MAX_NOTES`."""
        texts = list(self._notes)
        if len(texts) > MAX_NOTES:
            return (*texts[:MAX_NOTES], f"and {len(texts) - MAX_NOTES} further notes")
        return tuple(texts)
