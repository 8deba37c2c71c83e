"""The functions that make a probability or a mean of a linear predictor, in double precision."""

from __future__ import annotations

import math

from .document import Element
from .graph import Graph
from .refusal import malformed, unsupported

# Hart's approximation 5666 (Computer Approximations, 1968; see also G. West, Better Approximations to Cumulative Normal
# Functions, 2005): exp(-z*z/2) * N(z) / D(z) for the tail beyond z >= 0, and a continued fraction from _FAR on. Its relative error
# is below 1e-8. The operator Erf of ONNX Runtime exists for single precision only, and is wrong in the tails.
_NUMERATOR = (
    0.0352624965998911,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_DENOMINATOR = (
    0.0883883476483184,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)
_FAR = 7.07106781186547


def _polynomial(graph: Graph, coefficients: tuple[float, ...], z: str) -> str:
    result = graph.constant(coefficients[0])
    for coefficient in coefficients[1:]:
        result = graph.op("Add", graph.op("Mul", result, z), graph.constant(coefficient))
    return result


def normal_cdf(graph: Graph, x: str) -> str:
    """Return the cumulative distribution function of the standard normal distribution."""
    z = graph.op("Abs", x)
    density = graph.op("Exp", graph.op("Mul", graph.constant(-0.5), graph.op("Mul", z, z)))
    # The polynomials of an infinite number are not a number; they are not used there.
    near_z = graph.op("Where", graph.op("Less", z, graph.constant(_FAR)), z, graph.constant(_FAR))
    ratio = graph.op("Div", _polynomial(graph, _NUMERATOR, near_z), _polynomial(graph, _DENOMINATOR, near_z))
    fraction = graph.op("Add", z, graph.constant(0.65))
    for numerator in (4.0, 3.0, 2.0, 1.0):
        fraction = graph.op("Add", z, graph.op("Div", graph.constant(numerator), fraction))
    far = graph.op("Div", density, graph.op("Mul", fraction, graph.constant(math.sqrt(2.0 * math.pi))))
    tail = graph.op("Where", graph.op("Less", z, graph.constant(_FAR)), graph.op("Mul", density, ratio), far)
    cdf = graph.op("Where", graph.op("Greater", x, graph.constant(0.0)), graph.op("Sub", graph.constant(1.0), tail), tail)
    return graph.op("Where", graph.op("IsNaN", x), x, cdf)


def logistic(graph: Graph, y: str) -> str:
    """1 / (1 + exp(-y)), without a loss of digits where y is large and negative."""
    one = graph.constant(1.0)
    return graph.op("Div", one, graph.op("Add", one, graph.op("Exp", graph.op("Neg", y))))


def _log_log(graph: Graph, y: str) -> str:
    return graph.op("Exp", graph.op("Neg", graph.op("Exp", graph.op("Neg", y))))


def _complementary_log_log(graph: Graph, y: str) -> str:
    return graph.op("Sub", graph.constant(1.0), graph.op("Exp", graph.op("Neg", graph.op("Exp", y))))


def inverse_link(graph: Graph, element: Element, name: str, y: str) -> str:
    """Return the inverse of a link function, or a normalization of one number."""
    if name in ("none", "identity"):
        return y
    if name in ("softmax", "logit"):
        return logistic(graph, y)
    if name in ("exp", "log"):
        return graph.op("Exp", y)
    if name == "logc":
        return graph.op("Sub", graph.constant(1.0), graph.op("Exp", y))
    if name == "probit":
        return normal_cdf(graph, y)
    if name == "cloglog":
        return _complementary_log_log(graph, y)
    if name == "loglog":
        return _log_log(graph, y)
    if name == "cauchit":
        raise unsupported(element, "cauchit is not supported: ONNX Runtime has no arc tangent of double precision")
    raise malformed(element, f"{name[:40]!r} is not one of PMML's functions")


def power_link(graph: Graph, element: Element, name: str, parameter: float, y: str) -> str:
    """Return the inverse of a link function that has a parameter."""
    one = graph.constant(1.0)
    if name == "power":
        return graph.op("Exp", y) if parameter == 0 else graph.op("Pow", y, graph.constant(1.0 / parameter))
    if name == "negbin":
        inner = graph.op("Sub", graph.op("Exp", graph.op("Neg", y)), one)
        return graph.op("Div", one, graph.op("Mul", graph.constant(parameter), inner))
    if name == "oddspower":
        if parameter == 0:
            return logistic(graph, y)
        base = graph.op("Add", one, graph.op("Mul", graph.constant(parameter), y))
        return graph.op("Div", one, graph.op("Add", one, graph.op("Pow", base, graph.constant(-1.0 / parameter))))
    raise malformed(element, f"{name[:40]!r} is not one of PMML's functions")
