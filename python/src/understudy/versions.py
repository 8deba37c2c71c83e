"""Semantic versions of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from understudy.errors import UnderstudyError

SEMANTIC = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII
)
FIRST = "1.0.0"
PARTS = ("major", "minor", "patch")


def checked(version: str) -> str:
    """The version, if it is semantic and a ModelVersion can have it."""
    if not SEMANTIC.fullmatch(version) or len(version) > 63:
        raise UnderstudyError(
            f"version {version!r} is not a semantic version of at most 63 characters: use one such as 1.3.0 or 1.4.0-rc.1"
        )
    return version


def following(existing: Iterable[str], bump: str = "minor") -> str:
    """The version after the highest of these, counted up in this part. Pre-releases count as the version that they precede."""
    if bump not in PARTS:
        raise UnderstudyError(f"bump {bump!r}: use {', '.join(PARTS)}")
    numbers = [match.group(1, 2, 3) for match in map(SEMANTIC.fullmatch, existing) if match]
    if not numbers:
        return FIRST
    highest = list(max(tuple(int(part) for part in number) for number in numbers))
    place = PARTS.index(bump)
    return ".".join(str(part) for part in [*highest[:place], highest[place] + 1, *([0] * (2 - place))])
