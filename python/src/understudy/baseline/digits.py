"""Numbers with few digits: they are short in the file and the same on every processor."""

from decimal import ROUND_CEILING, Context, Decimal

import numpy as np

# Significant digits of an edge, a mean or a deviation. Values that are very close together get more.
DIGITS = 6


def significant(value: float, close: float) -> float:
    """The value with few digits, so many that it stays so close. `+ 0.0` makes no number negative zero."""
    for digits in range(DIGITS, 18):
        rounded = float(f"{value:.{digits - 1}e}")
        if abs(rounded - value) <= close:
            break
    return rounded + 0.0


def between(low: float, high: float) -> float:
    """A number with few digits, about halfway between two numbers."""
    half, quarter = low / 2 + high / 2, high / 4 - low / 4
    for digits in range(DIGITS, 18):
        rounded = float(f"{half:.{digits - 1}e}")
        if abs(rounded - half) <= quarter and low < rounded < high:
            return rounded
    # No float64 lies between them. A bin includes its lower edge, so this edge separates them as well.
    return high


def outward(value: float, spread: float, rounding: str) -> float:
    """A number with few digits, equal to the outermost value or slightly outside."""
    with np.errstate(over="ignore"):
        exact = float(np.float32(value)) == value
    if not exact:
        # As a float32 the value may be slightly further outside.
        margin = abs(value) * 2.0**-23
        value += margin if rounding == ROUND_CEILING else -margin
    for digits in range(DIGITS, 18):
        rounded = float(Context(prec=digits, rounding=rounding).create_decimal(Decimal(value)))
        if abs(rounded - value) <= spread / 1000:
            return rounded
    return value
