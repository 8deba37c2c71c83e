"""Rows from CSV and Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.errors import UnderstudyError

if TYPE_CHECKING:
    import pandas as pd


def rows_of(path: Path) -> pd.DataFrame:
    """The rows in a `.parquet`, `.pq` or `.csv` file."""
    import pandas as pd

    if not path.is_file():
        raise UnderstudyError(f"{path} does not exist, or is not a file")
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pd.read_parquet(path)
        # Only the usual marks of a missing value in CSV: `NA` may be Namibia.
        return pd.read_csv(path, keep_default_na=False, na_values=["", "nan", "NaN"])
    except ImportError as error:
        raise UnderstudyError(f"failed to read {path}: Parquet needs pyarrow: pip install 'understudy[parquet]'") from error
    except (OSError, ValueError) as error:
        raise UnderstudyError(f"failed to read {path}: {str(error).splitlines()[0]}") from error
