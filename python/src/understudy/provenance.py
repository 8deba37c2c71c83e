"""Where a model comes from: the commit, the run, the packages and the data."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

RUNS = ("GITHUB_RUN_ID", "CI_JOB_URL", "MLFLOW_RUN_ID", "BUILD_URL")
PACKAGES = {
    "sklearn": ("scikit-learn",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "torch": ("torch",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "skl2onnx": ("skl2onnx",),
    "onnx": ("onnx",),
    "onnxruntime": ("onnxruntime",),
    "numpy": ("numpy",),
    "pandas": ("pandas",),
}
"""Modules that matter, and the packages that have them."""


@dataclass(frozen=True)
class Provenance:
    """The origin of a model, for reviewers and auditors."""

    git_commit: str | None
    """The commit of the working directory. With `-dirty` if files that Git knows have changes."""
    run: str | None
    dataset: str | None
    packages: tuple[str, ...]
    """Names with versions, of the packages that matter."""


def gather(data: pd.DataFrame | None, run: str | None = None, dataset: str | None = None) -> Provenance:
    """The origin, as far as this process can tell. What is given counts more."""
    return Provenance(_commit(), run or _run(os.environ), dataset or (digest_of(data) if data is not None else None), _packages())


def _commit() -> str | None:
    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603, S607
        except (OSError, subprocess.SubprocessError):
            # No Git, or no repository: then there is no commit to name.
            return None
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD")
    if not commit:
        return None
    changed = git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def _run(environment: Mapping[str, str]) -> str | None:
    if "GITHUB_RUN_ID" in environment:
        server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
        return f"{server}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}"
    return next((environment[name] for name in RUNS if environment.get(name)), None)


def digest_of(data: pd.DataFrame) -> str:
    """The number and a digest of the rows: the same for the same values in the same order, wherever they were read from."""
    import pandas as pd

    digest = hashlib.sha256(repr([(str(name), str(kind)) for name, kind in data.dtypes.items()]).encode())
    digest.update(pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes())
    return f"{len(data)} rows, sha256:{digest.hexdigest()}"


def _packages() -> tuple[str, ...]:
    """Those that this process has imported."""
    found = [f"Python {platform.python_version()}"]
    for module, packages in PACKAGES.items():
        for package in packages if module in sys.modules else ():
            try:
                found.append(f"{package} {importlib.metadata.version(package)}")
            except importlib.metadata.PackageNotFoundError:
                continue
    return tuple(found)
