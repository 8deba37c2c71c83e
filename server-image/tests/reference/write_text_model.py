#!/usr/bin/env python3
"""Writes tests/models/topics.onnx, the text pipeline of `models/text.py`, for a story on the cluster. The file is committed.

Run it as the suite runs its programs: with the packages of requirements.txt, and with the locale en_US.UTF-8.
"""

from pathlib import Path

from models import text

(case,) = text.cases()
Path(__file__).parents[1].joinpath("models/topics.onnx").write_bytes(case.model)
