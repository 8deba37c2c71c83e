"""The mean and the standard deviation of a column of numbers."""

import math

import numpy as np
import numpy.typing as npt

from understudy.baseline.digits import significant


def moments(finite: npt.NDArray[np.float64]) -> dict[str, float]:
    """The mean and the population's standard deviation, without overflow, and the same on every processor."""
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return {"mean": significant(low, 0.0), "deviation": 0.0}
    # A power of two changes no digit.
    exponent = math.frexp(max(abs(low), abs(high)))[1]
    scaled = np.ldexp(finite, -exponent)
    mean = math.fsum(scaled) / len(scaled)
    deviation = math.sqrt(math.fsum((scaled - mean) ** 2) / len(scaled))
    mean, deviation = math.ldexp(mean, exponent), math.ldexp(deviation, exponent)
    return {"mean": significant(mean, deviation / 1000), "deviation": significant(deviation, math.inf)}
