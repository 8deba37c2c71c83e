"""Seasons: periods of the day or the week that repeat, in UTC."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Seconds: TypeAlias = "npt.NDArray[np.int64]"

# The periods of each season, and the period of a time in seconds since 1970, a Thursday.
HOUR, DAY = 3600, 86400
SEASONS: "dict[str, tuple[int, Callable[[Seconds], Seconds]]]" = {
    "hour": (24, lambda seconds: seconds // HOUR % 24),
    "weekday": (7, lambda seconds: (seconds // DAY + 3) % 7),
    "hourOfWeek": (168, lambda seconds: (seconds // DAY + 3) % 7 * 24 + seconds // HOUR % 24),
}
