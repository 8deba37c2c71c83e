"""Models from files. A pickle runs code when it is read, so nobody's pickle is read without a word."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from understudy.convert.documents import FORMATS, Document
from understudy.errors import UnderstudyError

PICKLES = {".pkl", ".pickle", ".joblib"}


def model_of(path: Path, trust: bool = False) -> Any:
    """The model in a file, by the ending of its name. Unless `trust` says so, a person is asked before code from the file can run.

    Raises:
        UnderstudyError: The file cannot be read, or is not trusted.
    """
    if not path.is_file():
        raise UnderstudyError(f"{path} does not exist, or is not a file")
    ending = path.suffix.lower()
    if ending in FORMATS:
        return Document(FORMATS[ending], path.read_bytes())
    if ending in PICKLES:
        return _pickle(path, trust)
    if ending == ".skops":
        return _skops(path, trust)
    known = ", ".join(sorted(PICKLES | {".skops"} | set(FORMATS)))
    raise UnderstudyError(f"{path} has an ending that is not known: use one of {known}, or call understudy.publish in Python")


def _pickle(path: Path, trust: bool) -> Any:
    question = f"{path} is a pickle: reading it runs the code in it. Do you trust whoever made it?"
    if not trust and not _asked(question):
        raise UnderstudyError(
            f"{path} was not read: a pickle runs code. Save the model with skops, or pass `trust` (--trust) if you know its author"
        )
    import joblib

    try:
        # joblib reads plain pickles as well.
        return joblib.load(path)
    except Exception as error:
        # A pickle may raise anything.
        raise UnderstudyError(
            f"failed to read {path}: {type(error).__name__}: {error}; use the packages and versions that wrote it"
        ) from error


def _skops(path: Path, trust: bool) -> Any:
    import skops.io

    unknown = skops.io.get_untrusted_types(file=path)
    if (
        unknown
        and not trust
        and not _asked(f"{path} has types that skops does not know: {', '.join(sorted(unknown))}. Do you trust them?")
    ):
        raise UnderstudyError(
            f"{path} was not read: it has types that skops does not know, {', '.join(sorted(unknown))}; pass `trust` (--trust) to allow them"
        )
    try:
        return skops.io.load(path, trusted=unknown)
    except Exception as error:
        # It raises the errors of many packages.
        raise UnderstudyError(f"failed to read {path}: {type(error).__name__}: {error}") from error


def _asked(question: str) -> bool:
    """Asks on a terminal. Without one, the answer is no."""
    if not sys.stdin.isatty():
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
