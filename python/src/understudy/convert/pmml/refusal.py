"""The error with which the converter refuses what it cannot convert with certainty."""

from __future__ import annotations

from typing import Protocol


class Placed(Protocol):
    """Something that has a place in the document."""

    @property
    def place(self) -> str:
        """The path of the element, for example `PMML/TreeModel/Node[2]`."""


class UnsupportedPmmlError(ValueError):
    """A PMML document, or a part of it, that this converter does not convert.

    The message names the element, its place in the document, and what to do.
    """


class MalformedPmmlError(ValueError):
    """A file that is not a PMML document, is not well-formed, or contradicts itself."""


def unsupported(element: Placed, why: str) -> UnsupportedPmmlError:
    """Make the error about an element that is not converted. To be raised."""
    return UnsupportedPmmlError(f"cannot convert {element.place}: {why}; serve the document as it is with spec.runtime")


def malformed(element: Placed, why: str) -> MalformedPmmlError:
    """Make the error about an element that PMML does not allow. To be raised."""
    return MalformedPmmlError(f"{element.place}: {why}; export the document again")
