"""Random PMML documents of every kind of model. Equal seeds give equal documents."""

from __future__ import annotations

import random
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

COLOURS = ["red", "green", "dark blue", "grün", "4"]
CLASSES = ["no", "maybe", "yes"]


def _attributes(**values: object) -> str:
    return "".join(f" {name.rstrip('_')}={quoteattr(str(value))}" for name, value in values.items() if value is not None)


def tag(kind: str, /, *children: str, **values: object) -> str:
    """An element."""
    inside = "".join(children)
    return f"<{kind}{_attributes(**values)}>{inside}</{kind}>" if inside else f"<{kind}{_attributes(**values)}/>"


class Generator:
    """One document."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numbers = ["x1", "x2", "x3", "n1"]
        self.texts = ["colour"]
        self.levels = ["level"]
        self.derived: list[str] = []
        self.classes: list[str] = []
        self.numeric_classes = self.random.random() < 0.3

    def number(self, scale: float = 3.0) -> float:
        """A random number with few digits or many."""
        value = self.random.gauss(0, scale)
        return round(value, self.random.choice([0, 1, 3, 17]))

    def chance(self, p: float) -> bool:
        """True with a probability."""
        return self.random.random() < p

    # Fields.

    def dictionary(self, target: str) -> str:
        """The DataDictionary."""
        fields = []
        for name in self.numbers:
            data_type = "integer" if name.startswith("n") else "double"
            inside = ""
            if self.chance(0.15):
                closure = self.random.choice(["closedClosed", "openOpen", "openClosed", "closedOpen"])
                inside = tag("Interval", closure=closure, leftMargin=-6, rightMargin=self.random.choice([4, 6, None]))
            if self.chance(0.1):
                inside += tag("Value", value="-1", property="missing")
            fields.append(tag("DataField", inside, name=name, optype="continuous", dataType=data_type))
        colours = "".join(tag("Value", value=each) for each in COLOURS) if self.chance(0.6) else ""
        fields.append(tag("DataField", colours, name="colour", optype="categorical", dataType="string"))
        levels = "".join(tag("Value", value=each) for each in (1, 2, 3))
        fields.append(tag("DataField", levels, name="level", optype="categorical", dataType="integer"))
        if target == "regression":
            fields.append(tag("DataField", name="y", optype="continuous", dataType="double"))
        else:
            values = "".join(tag("Value", value=each) for each in self.classes)
            data_type = "integer" if self.numeric_classes else "string"
            fields.append(tag("DataField", values, name="y", optype="categorical", dataType=data_type))
        return tag("DataDictionary", *fields)

    def schema(self, treat: bool, extra: tuple[str, ...] = ()) -> str:
        """The MiningSchema, with treatments of missing values, invalid values and outliers."""
        fields = [tag("MiningField", name="y", usageType="target")]
        for name in (*self.numbers, *self.texts, *self.levels, *extra):
            values: dict[str, object] = {}
            if treat and self.chance(0.3):
                values["missingValueReplacement"] = (
                    self.category(name) if name in ("colour", "level") else self.random.choice([0, 2, 3])
                )
            if treat and self.chance(0.2):
                values["missingValueTreatment"] = self.random.choice(["asValue", "asMean", "returnInvalid"])
            if treat and self.chance(0.3):
                choices = ["asMissing", "returnInvalid", "asValue", *(["asIs"] if name in self.numbers else [])]
                values["invalidValueTreatment"] = self.random.choice(choices)
                if values["invalidValueTreatment"] == "asValue":
                    values["invalidValueReplacement"] = self.category(name) if name in ("colour", "level") else 2
            if treat and name in self.numbers and self.chance(0.25):
                outliers = self.random.choice(["asExtremeValues", "asMissingValues", "asIs"])
                values.update(outliers=outliers, lowValue=-3, highValue=2.5)
            fields.append(tag("MiningField", name=name, **values))
        return tag("MiningSchema", *fields)

    def category(self, name: str) -> str:
        """One of the categories of a field."""
        return str(self.random.choice([1, 2, 3])) if name == "level" else self.random.choice(COLOURS)

    def transformations(self, tag_name: str, prefix: str) -> str:
        """Some derived fields."""
        made = []
        for index in range(self.random.randint(1, 5)):
            name = f"{prefix}{index}"
            made.append(tag("DerivedField", self.expression(), name=name, optype="continuous", dataType="double"))
            self.derived.append(name)
        return tag(tag_name, *made)

    def expression(self, depth: int = 0) -> str:
        """A numeric expression."""
        kinds: list[Callable[[], str]] = [
            self._reference,
            self._constant,
            self._continuous,
            self._discrete,
            self._bins,
            self._table,
        ]
        if depth < 3:
            kinds += [lambda: self._call(depth)] * 6
        return self.random.choice(kinds)()

    def _number_field(self) -> str:
        return self.random.choice(self.numbers + self.derived)

    def _reference(self) -> str:
        return tag("FieldRef", field=self._number_field(), mapMissingTo=self.number() if self.chance(0.2) else None)

    def _constant(self) -> str:
        return tag("Constant", str(self.number()), dataType="double")

    def _continuous(self) -> str:
        points = sorted({round(self.number(), 1) for _ in range(self.random.randint(2, 5))} | {-0.5, 0.5})
        norms = [tag("LinearNorm", orig=point, norm=self.random.gauss(0, 3)) for point in points]
        outliers = self.random.choice([None, "asIs", "asMissingValues", "asExtremeValues"])
        replacement = self.number() if self.chance(0.4) else None
        return tag("NormContinuous", *norms, field=self.random.choice(self.numbers), outliers=outliers, mapMissingTo=replacement)

    def _discrete(self) -> str:
        name = self.random.choice(["colour", "level"])
        replacement = self.random.choice([None, 0, 0.25])
        return tag("NormDiscrete", field=name, value=self.category(name), mapMissingTo=replacement)

    def _bins(self) -> str:
        edges = sorted({round(self.number(), 1) for _ in range(self.random.randint(2, 5))} | {0.0})
        bins = []
        for low, high in zip([None, *edges], [*edges, None], strict=True):
            closure = "openClosed"
            bins.append(
                tag(
                    "DiscretizeBin",
                    tag("Interval", closure=closure, leftMargin=low, rightMargin=high),
                    binValue=round(self.number()),
                )
            )
        replacement = round(self.number()) if self.chance(0.4) else None
        return tag("Discretize", *bins, field=self._number_field(), dataType="double", mapMissingTo=replacement)

    def _table(self) -> str:
        rows = [
            tag(
                "row",
                tag("a", colour.replace("&", "&amp;").replace("<", "&lt;")),
                tag("b", str(level)),
                tag("out", str(self.number())),
            )
            for colour in COLOURS[:3]
            for level in (1, 2)
        ]
        pairs = [tag("FieldColumnPair", field="colour", column="a"), tag("FieldColumnPair", field="level", column="b")]
        default = self.number() if self.chance(0.5) else None
        replacement = self.number() if self.chance(0.5) else None
        table = tag("InlineTable", *rows)
        return tag(
            "MapValues", *pairs, table, outputColumn="out", dataType="double", defaultValue=default, mapMissingTo=replacement
        )

    def _call(self, depth: int) -> str:
        kind = self.random.choice(["binary", "binary", "unary", "many", "if", "guard"])
        deeper = depth + 1
        replacement = self.number() if self.chance(0.15) else None
        default = self.number() if self.chance(0.1) else None
        if kind == "binary":
            name = self.random.choice(["+", "-", "*", "/", "x-modulo"])
            right = self.expression(deeper)
            if name in ("/", "x-modulo"):
                # Not zero, whose sign decides between the infinite numbers.
                right = tag("Apply", tag("Apply", right, function="abs"), tag("Constant", "0.25", dataType="double"), function="+")
            return tag("Apply", self.expression(deeper), right, function=name, mapMissingTo=replacement, defaultValue=default)
        if kind == "unary":
            name = self.random.choice(["abs", "floor", "ceil", "exp", "sqrt", "ln", "log10"])
            inside = self.expression(deeper)
            if name == "exp":
                inside = tag("Apply", tag("Constant", "20", dataType="double"), self.expression(deeper), function="min")
            if name in ("sqrt", "ln", "log10"):
                inside = tag("Apply", inside, function="abs")
            return tag("Apply", inside, function=name, mapMissingTo=replacement)
        if kind == "many":
            name = self.random.choice(["min", "max", "sum", "avg", "product"])
            return tag("Apply", *(self.expression(deeper) for _ in range(self.random.randint(1, 4))), function=name)
        if kind == "guard":
            name = self.random.choice(self.numbers)
            condition = tag("Apply", tag("FieldRef", field=name), function=self.random.choice(["isMissing", "isNotMissing"]))
        else:
            name = self.random.choice(["colour", "level"])
            operator = self.random.choice(["equal", "notEqual", "isIn"])
            data_type = "string" if name == "colour" else "integer"
            constants = [tag("Constant", _escaped(self.category(name)), dataType=data_type)]
            if operator == "isIn":
                constants.append(tag("Constant", _escaped(self.category(name)), dataType=data_type))
            condition = tag("Apply", tag("FieldRef", field=name, mapMissingTo=self.category(name)), *constants, function=operator)
            condition = tag("Apply", condition, self._order(), function=self.random.choice(["and", "or"]))
        return tag("Apply", condition, self.expression(deeper), self.expression(deeper), function="if")

    def _order(self) -> str:
        name = self.random.choice(["lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"])
        return tag(
            "Apply",
            tag("FieldRef", field=self.random.choice(self.numbers), mapMissingTo=0),
            tag("Constant", "0.5", dataType="double"),
            function=name,
        )

    # Predicates.

    def predicate(self, depth: int = 0) -> str:
        """A predicate of any kind."""
        kind = self.random.choice(["number", "number", "category", "set", "missing", "compound"])
        if kind == "compound" and depth < 2:
            # pypmml takes a surrogate within another compound predicate for false.
            operator = self.random.choice(["and", "or", "surrogate"] if depth == 0 else ["and", "or"])
            parts = [self.predicate(depth + 1) for _ in range(self.random.randint(2, 3))]
            return tag("CompoundPredicate", *parts, booleanOperator=operator)
        if kind == "category":
            name = self.random.choice(["colour", "level"])
            return tag("SimplePredicate", field=name, operator=self.random.choice(["equal", "notEqual"]), value=self.category(name))
        if kind == "set":
            name = self.random.choice(["colour", "level"])
            chosen = sorted({self.category(name) for _ in range(3)})
            text = " ".join(f'"{each}"' for each in chosen) if name == "colour" else " ".join(chosen)
            array = tag("Array", _escaped(text), n=len(chosen), type="string" if name == "colour" else "int")
            return tag("SimpleSetPredicate", array, field=name, booleanOperator=self.random.choice(["isIn", "isNotIn"]))
        if kind == "missing":
            name = self.random.choice([*self.numbers, "colour"])
            return tag("SimplePredicate", field=name, operator=self.random.choice(["isMissing", "isNotMissing"]))
        operator = self.random.choice(["lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"])
        return tag("SimplePredicate", field=self._number_field(), operator=operator, value=self.number())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
