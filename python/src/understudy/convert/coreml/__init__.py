"""Apple's Core ML (.mlmodel) to ONNX: trees, linear models, and pipelines with feature engineering."""

from understudy.convert.coreml.convert import Converted, to_onnx
from understudy.convert.coreml.errors import Unsupported

__all__ = ["Converted", "Unsupported", "to_onnx"]
