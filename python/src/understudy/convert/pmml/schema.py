"""The MiningSchema: which fields a model reads, and what happens to missing values, invalid values and outliers."""

from __future__ import annotations

from dataclasses import replace

from .dictionary import DataField, Dictionary
from .document import Element
from .refusal import malformed, unsupported
from .scope import Scope
from .truth import either
from .values import Value, literal

_INPUTS = ("active", "group", None)
_TARGETS = ("target", "predicted")

AS_IS = "invalid values are used as they are, as the document says; pypmml takes an unknown category for a missing one"
"""The note about fields with the invalidValueTreatment asIs."""


class Prepared:
    """The fields of a model after their treatment, and where a row cannot be scored at all."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._rejected: dict[str, str] = {}

    def reject_where(self, tensor: str) -> None:
        """Rows for which the model gives no result."""
        self._rejected[tensor] = tensor

    @property
    def rejected(self) -> str | None:
        """Where a row has a value for which the model gives no result (None: nowhere)."""
        return either(self.scope.context.graph, list(self._rejected))


def target_names(model: Element) -> list[str]:
    """Return the fields that the model predicts."""
    schema = model.first("MiningSchema")
    return (
        [] if schema is None else [field.need("name") for field in schema.all("MiningField") if field.get("usageType") in _TARGETS]
    )


def prepare(model: Element, outer: Scope, dictionary: Dictionary) -> Prepared:
    """Return the scope of a model. `outer` is that of the model around it, or the one of the document.

    Each active field of the outermost model is treated, also if the model does not use it otherwise: an invalid value of it ends
    the scoring. A field that cannot be read in any way that matters is not an input.
    """
    scope = Scope(outer.context, outer)
    prepared = Prepared(scope)
    for field in model.the("MiningSchema").all("MiningField"):
        if field.get("usageType") not in _INPUTS:
            continue
        name = field.need("name")
        if not dictionary.represents(name):
            # It is refused where something reads it.
            scope.define(name, lambda name=name, field=field: _unrepresented(name, field, dictionary))  # type: ignore[misc]
            continue
        known = dictionary.find(name)
        inherited = outer.parent is not None
        if inherited and not _treats(field):
            continue
        if known is None and not inherited:
            raise malformed(field, f"the field {name!r} is not in the data dictionary")
        if not inherited and known is not None and not _may_reject(field, known):
            scope.define(name, lambda field=field, known=known: _treated(prepared, field, known, dictionary.read_input(known)))  # type: ignore[misc]
            continue
        value = dictionary.read_input(known) if known is not None and not inherited else outer.field(name, field)
        scope.define(name, _treated(prepared, field, known, value))
    return prepared


def _unrepresented(name: str, field: Element, dictionary: Dictionary) -> Value:
    dictionary.find(name)
    raise unsupported(field, "its values cannot be represented")


def _treats(field: Element) -> bool:
    """Whether the field of an inner model has a treatment of its own. If not, that of the outer model holds."""
    return any(
        key in field.attributes and field.attributes[key] not in plain
        for key, plain in (
            ("outliers", ("asIs",)),
            ("missingValueReplacement", ()),
            ("missingValueTreatment", ("asIs", "asMean", "asMode", "asMedian", "asValue")),
            ("invalidValueTreatment", ("returnInvalid", "asIs")),
            ("invalidValueReplacement", ()),
        )
    )


def _may_reject(field: Element, known: DataField) -> bool:
    restricted = bool(known.valid or known.invalid or known.intervals)
    invalid = field.get("invalidValueTreatment", "returnInvalid") == "returnInvalid" and restricted
    return invalid or field.get("missingValueTreatment") == "returnInvalid"


def _treated(prepared: Prepared, field: Element, known: DataField | None, value: Value) -> Value:
    context = prepared.scope.context
    graph = context.graph
    name = field.need("name")
    optype = field.get("optype")
    if optype is not None and known is not None and (optype == "continuous") and known.kind != "number":
        raise unsupported(field, f"a {known.data_type} cannot be used as a continuous field")
    tensor = value.tensor
    nan = graph.constant(float("nan"))

    if known is not None and known.missing:
        tensor = graph.op("Where", known.is_one_of(graph, tensor, known.missing), nan, tensor)

    treatment = field.get("invalidValueTreatment", "returnInvalid")
    outside = known.outside(graph, tensor) if known is not None else None
    used_as_is = False
    if treatment not in ("returnInvalid", "asIs", "asMissing", "asValue"):
        raise malformed(field, f"the invalidValueTreatment {treatment!r} is not one of PMML's")
    replaced: str | None = None
    if outside is not None and treatment == "asMissing":
        tensor = graph.op("Where", outside, nan, tensor)
    elif outside is not None and treatment == "asValue":
        number = literal(field, field.need("invalidValueReplacement"), value.data_type, context.vocabulary)
        replaced = graph.op("Where", outside, graph.constant(number), tensor)
    elif outside is not None and treatment == "returnInvalid":
        prepared.reject_where(outside)
    elif outside is not None:
        used_as_is = True

    outliers = field.get("outliers", "asIs")
    if outliers != "asIs" and value.kind != "number":
        raise unsupported(field, "a treatment of outliers needs a numeric field")
    treated_outliers = tensor
    if outliers == "asMissingValues":
        low, high = graph.constant(field.number("lowValue")), graph.constant(field.number("highValue"))
        beyond = graph.op("Or", graph.op("Less", tensor, low), graph.op("Greater", tensor, high))
        if outside is not None:
            beyond = graph.op("And", beyond, graph.op("Not", outside))
        treated_outliers = graph.op("Where", beyond, nan, tensor)
    elif outliers == "asExtremeValues":
        low, high = graph.constant(field.number("lowValue")), graph.constant(field.number("highValue"))
        treated_outliers = graph.op("Where", graph.op("Less", tensor, low), low, tensor)
        treated_outliers = graph.op("Where", graph.op("Greater", tensor, high), high, treated_outliers)
        if used_as_is and outside is not None:
            raise unsupported(field, "outliers and invalid values that are used as they are do not combine in a defined way")
    elif outliers != "asIs":
        raise malformed(field, f"the treatment of outliers {outliers!r} is not one of PMML's")
    tensor = treated_outliers if replaced is None or outside is None else graph.op("Where", outside, replaced, treated_outliers)

    if field.get("missingValueTreatment") == "returnInvalid":
        prepared.reject_where(graph.op("IsNaN", tensor))
    elif "missingValueReplacement" in field.attributes:
        number = literal(field, field.attributes["missingValueReplacement"], value.data_type, context.vocabulary)
        tensor = graph.op("Where", graph.op("IsNaN", tensor), graph.constant(number), tensor)
        if known is not None and not known.allows(number):
            context.note_field("what replaces a missing value is not a valid value; inner models of pypmml reject it", name)
        value = replace(value, present=True)
    if used_as_is:
        context.note_field(AS_IS, name)
    return replace(value, tensor=tensor, invalid=used_as_is, unseen=(value.unseen and outside is None) or used_as_is)
