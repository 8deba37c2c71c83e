"""What a conversion imports."""

import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parent / "fixtures" / "linear.mlmodel"


def test_a_conversion_imports_apples_messages_and_not_all_of_coremltools():
    code = (
        "import sys, pathlib; from understudy.convert.coreml import to_onnx; "
        "to_onnx(pathlib.Path(sys.argv[1]).read_bytes()); print('coremltools' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, DOCUMENT], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
