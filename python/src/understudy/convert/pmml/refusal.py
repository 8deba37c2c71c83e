"""The error with which the converter refuses what it cannot convert with certainty."""

from __future__ import annotations

from typing import Protocol

LONGEST = 600
"""Characters of a place or a reason in a message. Names in a hostile document may be of any length."""


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
    return UnsupportedPmmlError(f"cannot convert {_shown(element)}: {_cut(why)}; serve the document as it is with spec.runtime")


def malformed(element: Placed, why: str) -> MalformedPmmlError:
    """Make the error about an element that PMML does not allow. To be raised."""
    return MalformedPmmlError(f"{_shown(element)}: {_cut(why)}; export the document again")


def _shown(element: Placed) -> str:
    place = element.place
    return place if len(place) <= LONGEST else f"...{place[-LONGEST:]}"


def _cut(why: str) -> str:
    return why if len(why) <= LONGEST else f"{why[:LONGEST]}..."
