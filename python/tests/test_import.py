"""The package is light until it is used."""

import subprocess
import sys

HEAVY = ("numpy", "pandas", "onnx", "onnxruntime", "sklearn", "kubernetes", "obstore", "matplotlib")


def imported_by(code: str) -> set[str]:
    printed = f"import sys; {code}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", printed], capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & set(HEAVY)


def test_importing_the_package_imports_nothing_heavy():
    assert imported_by("import understudy") == set()


def test_the_help_of_the_command_imports_nothing_heavy():
    assert imported_by("import understudy.cli") == set()
