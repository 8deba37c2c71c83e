"""PMML to ONNX: regressions, general regressions, trees, ensembles, chains and scorecards."""

from .convert import NO_INTEGER_LABEL, Converted, to_onnx
from .refusal import MalformedPmmlError, UnsupportedPmmlError

__all__ = ["NO_INTEGER_LABEL", "Converted", "MalformedPmmlError", "UnsupportedPmmlError", "to_onnx"]
