#!/usr/bin/env python3
"""Makes the models of the server's tests. Run `pip install onnx numpy`, then this script. The files are committed."""

from good_models import good
from hostile_models import hostile

good()
hostile()
