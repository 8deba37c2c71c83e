"""The error with which the converter refuses what it cannot convert with certainty."""

from __future__ import annotations

from typing import NoReturn, Protocol


class Placed(Protocol):
    """Something that has a place in the document."""

    @property
    def place(self) -> str:
        """The path of the element, for example `PMML/TreeModel/Node[2]`."""


class Unsupported(ValueError):
    """A PMML document, or a part of it, that this converter does not convert.

    The message names the element, its place in the document, and what to do.
    """


class Malformed(ValueError):
    """A file that is not a PMML document, is not well-formed, or contradicts itself."""


def refuse(element: Placed, why: str) -> NoReturn:
    """Raise `Unsupported` for an element."""
    raise Unsupported(f"cannot convert {element.place}: {why}; serve the document as it is with spec.runtime")


def reject(element: Placed, why: str) -> NoReturn:
    """Raise `Malformed` for an element."""
    raise Malformed(f"{element.place}: {why}; export the document again")
