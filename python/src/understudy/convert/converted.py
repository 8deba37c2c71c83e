"""A model that was converted, beside the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    from understudy.original import Original
    from understudy.table import Inputs


@dataclass(frozen=True)
class Converted:
    """A model as ONNX. Its outputs have the names of the original's answers."""

    original: Original
    model: onnx.ModelProto
    inputs: Inputs
    """What the converted model takes. Its numbers may have fewer bits than those of the original."""
    notes: tuple[str, ...] = ()
    """What a reader should know about the conversion, as sentences."""
