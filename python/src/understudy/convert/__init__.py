"""Converters from one format each to ONNX."""
