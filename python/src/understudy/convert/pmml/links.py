"""The functions that make a probability or a mean of a linear predictor, in double precision."""

from __future__ import annotations

import math

from .document import Element
from .graph import Graph
from .refusal import malformed, unsupported

# erfc(z) = t * exp(-z*z + P(t)), t = 1 / (1 + z/2), z >= 0: a Chebyshev fit with a relative error below 1.2e-7 everywhere
# (Numerical Recipes, 6.2). The operator Erf of ONNX Runtime exists for single precision only, and is wrong in the tails.
_ERFC = (
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
)


def normal_cdf(graph: Graph, x: str) -> str:
    """Return the cumulative distribution function of the standard normal distribution."""
    z = graph.op("Mul", graph.op("Abs", x), graph.constant(math.sqrt(0.5)))
    one, half = graph.constant(1.0), graph.constant(0.5)
    t = graph.op("Div", one, graph.op("Add", one, graph.op("Mul", half, z)))
    polynomial = graph.constant(_ERFC[-1])
    for coefficient in reversed(_ERFC[:-1]):
        polynomial = graph.op("Add", graph.op("Mul", polynomial, t), graph.constant(coefficient))
    exponent = graph.op("Sub", polynomial, graph.op("Mul", z, z))
    tail = graph.op("Mul", half, graph.op("Mul", t, graph.op("Exp", exponent)))
    return graph.op("Where", graph.op("Greater", x, graph.constant(0.0)), graph.op("Sub", one, tail), tail)


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
