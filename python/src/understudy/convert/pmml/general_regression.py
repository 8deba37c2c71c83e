"""GeneralRegressionModel: linear, generalized linear and multinomial logistic models with a matrix of parameters and predictors."""

from __future__ import annotations

from .document import Element
from .graph import DOUBLE
from .links import inverse_link, power_link
from .outcome import Outcome, Target, likeliest, regression
from .refusal import malformed, unsupported
from .scope import Scope
from .values import Value, full, kind_of, literal

_LINEAR = ("regression", "generalLinear")


def convert_general_regression(model: Element, scope: Scope, target: Target) -> Outcome:
    """Return the result of a `GeneralRegressionModel`."""
    graph = scope.context.graph
    kind = model.need("modelType")
    parameters = {element.need("name"): index for index, element in enumerate(model.the("ParameterList").all("Parameter"))}
    if len(parameters) != sum(1 for _ in model.the("ParameterList").all("Parameter")):
        raise malformed(model.the("ParameterList"), "two parameters have the same name")
    design = _design(model, scope, list(parameters))
    equations: dict[str | None, dict[int, float]] = {}
    for cell in model.the("ParamMatrix").all("PCell"):
        name = cell.need("parameterName")
        if name not in parameters:
            raise malformed(cell, f"the parameter {name!r} is not in the ParameterList")
        equation = equations.setdefault(cell.get("targetCategory"), {})
        if parameters[name] in equation:
            raise malformed(cell, "the parameter has two values")
        equation[parameters[name]] = cell.number("beta")
    if not equations:
        raise malformed(model, "the ParamMatrix is empty")
    linear = {category: _linear(scope, design, betas) for category, betas in equations.items()}
    if kind in _LINEAR and target.purpose == "regression":
        return regression(graph, _only(model, linear))
    if kind == "generalizedLinear":
        mean = _mean(model, scope, _only(model, linear))
        if target.purpose == "regression":
            return regression(graph, mean)
        return _binary(model, scope, target, next(iter(linear)), mean)
    if kind == "multinomialLogistic" and target.purpose == "classification":
        return _multinomial(model, scope, target, linear)
    raise unsupported(model, f"the modelType {kind[:40]!r} of a {target.purpose} is not supported")


def _only(model: Element, linear: dict[str | None, str]) -> str:
    if len(linear) != 1:
        raise unsupported(model, "the ParamMatrix has parameters of several categories")
    return next(iter(linear.values()))


def _design(model: Element, scope: Scope, parameters: list[str]) -> list[str]:
    """One column for each parameter: the product of its covariates, where all its factors have their categories."""
    graph = scope.context.graph
    covariates = _names(model, "CovariateList")
    factors = _names(model, "FactorList")
    cells: dict[str, list[Element]] = {name: [] for name in parameters}
    matrix = model.first("PPMatrix")
    for cell in [] if matrix is None else matrix.all("PPCell"):
        name = cell.need("parameterName")
        if name not in cells:
            raise malformed(cell, f"the parameter {name!r} is not in the ParameterList")
        if "targetCategory" in cell.attributes:
            raise unsupported(cell, "a PPCell for one category only is not supported")
        cells[name].append(cell)
    design = []
    for name in parameters:
        column: str | None = None
        chosen: str | None = None
        for cell in cells[name]:
            predictor = cell.need("predictorName")
            value = scope.field(predictor, cell)
            if predictor in covariates:
                if value.kind != "number":
                    raise unsupported(cell, f"the covariate {predictor!r} is a {value.data_type}")
                power = cell.number("value")
                part = full(graph, value)
                if power != 1.0:
                    part = graph.op("Pow", part, graph.constant(power))
                column = part if column is None else graph.op("Mul", column, part)
            elif predictor in factors:
                if factors[predictor].first("Matrix") is not None:
                    raise unsupported(factors[predictor], "a contrast matrix is not supported")
                wanted = literal(cell, cell.need("value"), value.data_type, scope.context.vocabulary)
                scope.context.note_field("a missing value counts as none of the categories, as in pypmml", predictor)
                found = graph.op("Equal", full(graph, value), graph.constant(wanted))
                chosen = found if chosen is None else graph.op("And", chosen, found)
            else:
                raise malformed(cell, f"the predictor {predictor!r} is neither a factor nor a covariate")
        if chosen is not None:
            indicator = graph.cast(chosen, DOUBLE)
            column = indicator if column is None else graph.op("Where", chosen, column, graph.constant(0.0))
        design.append(column or graph.op("Expand", graph.constant(1.0), graph.rows))
    return design


def _names(model: Element, tag: str) -> dict[str, Element]:
    found = model.first(tag)
    return {} if found is None else {predictor.need("name"): predictor for predictor in found.all("Predictor")}


def _linear(scope: Scope, design: list[str], betas: dict[int, float]) -> str:
    graph = scope.context.graph
    stacked = graph.op("Concat", *(design[index] for index in betas), axis=1)
    weighted = graph.op("Mul", stacked, graph.constant([list(betas.values())]))
    return graph.op("ReduceSum", weighted, graph.integers([1]), keepdims=1)


def _mean(model: Element, scope: Scope, y: str) -> str:
    graph = scope.context.graph
    if "offsetVariable" in model.attributes:
        offset = scope.field(model.need("offsetVariable"), model)
        y = graph.op("Add", y, full(graph, offset))
    elif "offsetValue" in model.attributes:
        y = graph.op("Add", y, graph.constant(model.number("offsetValue")))
    link = model.need("linkFunction")
    if link in ("power", "oddspower"):
        mean = power_link(graph, model, link, model.number("linkParameter"), y)
    elif link == "negbin":
        mean = power_link(graph, model, link, model.number("distParameter"), y)
    else:
        mean = inverse_link(graph, model, link, y)
    if "trialsVariable" in model.attributes:
        raise unsupported(model, "trialsVariable is not supported")
    if "trialsValue" in model.attributes:
        mean = graph.op("Mul", mean, graph.constant(model.number("trialsValue")))
    return mean


def _class_value(model: Element, target: Target) -> Value:
    return Value("", target.data_type, kind_of(model, target.data_type), integral=True)


def _binary(model: Element, scope: Scope, target: Target, category: str | None, mean: str) -> Outcome:
    """Return the mean as the probability of the category of the equation, or of the class that is not the reference."""
    graph = scope.context.graph
    vocabulary = scope.context.vocabulary
    if model.get("distribution") != "binomial":
        raise unsupported(model, "a classification with a generalized linear model needs the distribution binomial")
    classes = target.classes()
    if len(classes) != 2:
        raise unsupported(model, "the target field must list exactly two values")
    reference = model.get("targetReferenceCategory")
    if category is not None:
        event = literal(model, category, target.data_type, vocabulary)
    elif reference is not None:
        other = literal(model, reference, target.data_type, vocabulary)
        event = next(class_ for class_ in classes if class_ != other)
    else:
        raise unsupported(model, "neither targetCategory nor targetReferenceCategory says of which class this is the probability")
    if event not in classes:
        raise malformed(model, "the category of the parameters is not a value of the target field")
    zero, one = graph.constant(0.0), graph.constant(1.0)
    p = graph.op("Where", graph.op("Less", mean, zero), zero, mean)
    p = graph.op("Where", graph.op("Greater", p, one), one, p)
    rest = graph.op("Sub", one, p)
    stacked = graph.op("Concat", *((p, rest) if classes[0] == event else (rest, p)), axis=1)
    return likeliest(graph, stacked, classes, target.data_type, _class_value(model, target))


def _multinomial(model: Element, scope: Scope, target: Target, linear: dict[str | None, str]) -> Outcome:
    graph = scope.context.graph
    vocabulary = scope.context.vocabulary
    if None in linear:
        raise unsupported(model, "a parameter has no targetCategory")
    by_class = {literal(model, category or "", target.data_type, vocabulary): y for category, y in linear.items()}
    reference = model.get("targetReferenceCategory")
    known = target.classes()
    if reference is not None:
        code = literal(model, reference, target.data_type, vocabulary)
        if code in by_class:
            raise unsupported(model, "the reference category has parameters of its own")
        by_class[code] = graph.op("Expand", graph.constant(0.0), graph.rows)
    elif len(left := [class_ for class_ in known if class_ not in by_class]) == 1:
        by_class[left[0]] = graph.op("Expand", graph.constant(0.0), graph.rows)
    classes = tuple(class_ for class_ in known if class_ in by_class) or tuple(by_class)
    if set(classes) != set(by_class) or (known and set(known) != set(classes)):
        raise unsupported(model, "the categories of the parameters are not the values of the target field")
    scores = graph.op("Concat", *(by_class[class_] for class_ in classes), axis=1)
    probabilities = graph.op("Softmax", scores, axis=1)
    return likeliest(graph, probabilities, classes, target.data_type, _class_value(model, target))
