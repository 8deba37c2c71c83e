"""Random models for the random documents of `generator`."""

from __future__ import annotations

from .generator import COLOURS, Generator, tag

OPPOSITE = {"lessThan": "greaterOrEqual", "lessOrEqual": "greaterThan", "equal": "notEqual", "isIn": "isNotIn"}

TRUE = "<True/>"


class Models(Generator):
    """Makes models and whole documents."""

    def document(self, kind: str) -> bytes:
        """A document with a model of this kind: one of `KINDS`."""
        self.kind = kind
        purpose = "classification" if kind.endswith("class") else "regression"
        count = self.random.choice([2, 3])
        self.classes = ["0", "1", "7"][:count] if self.numeric_classes else ["no", "maybe", "yes"][:count]
        dictionary = self.dictionary(purpose)
        transformations = self.transformations("TransformationDictionary", "t") if self.chance(0.5) else ""
        model = getattr(self, f"_{kind.split('_')[0]}")(purpose, self.chance(0.5))
        version = self.random.choice(["4.4", "4.3", "4.2", "4.1", "4.0", "3.2"])
        namespace = f"http://www.dmg.org/PMML-{version.replace('.', '_')}"
        header = tag("Header", copyright="none")
        text = tag("PMML", header, dictionary, transformations, model, version=version, xmlns=namespace)
        return ('<?xml version="1.0" encoding="UTF-8"?>' + text).encode()

    def _targets(self, purpose: str, default_value: bool) -> str:
        if purpose != "regression" or self.chance(0.6):
            return ""
        values: dict[str, object] = {"field": "y"}
        if self.chance(0.5):
            values.update(min=-5, max=8)
        if self.chance(0.5):
            values.update(rescaleFactor=self.number(), rescaleConstant=self.number())
        if self.kind == "tree" and self.chance(0.5):
            # Not of sums: those of two scorers differ in the last digit.
            values["castInteger"] = self.random.choice(["round", "ceiling", "floor"])
        default = tag("TargetValue", defaultValue=self.number()) if default_value and self.chance(0.3) else ""
        return tag("Targets", tag("Target", default, **values))

    def _frame(self, purpose: str, treat: bool, default: bool = True) -> str:
        local = self.transformations("LocalTransformations", "l") if self.chance(0.3) else ""
        return self.schema(treat) + self._targets(purpose, default) + local

    # Regressions.

    def _table(self, **values: object) -> str:  # type: ignore[override]
        if not values:
            return super()._table()
        parts = []
        for name in self.random.sample(self.numbers + self.derived, self.random.randint(1, 3)):
            exponent = self.random.choice([None, 1, 2, 3])
            parts.append(tag("NumericPredictor", name=name, exponent=exponent, coefficient=self.number(0.3)))
        for colour in self.random.sample(COLOURS, 2) if self.chance(0.6) else []:
            parts.append(tag("CategoricalPredictor", name="colour", value=colour, coefficient=self.number(1)))
        if self.chance(0.4):
            fields = [tag("FieldRef", field=name) for name in self.random.sample(self.numbers, 2)]
            parts.append(tag("PredictorTerm", *fields, coefficient=self.number(0.2)))
        return tag("RegressionTable", *parts, intercept=self.number(1), **values)

    def _regression(self, purpose: str, treat: bool) -> str:
        frame = self._frame(purpose, treat)
        if purpose == "regression":
            tables = self._table(targetCategory=None)
            method = self.random.choice(["none", "softmax", "logit", "exp", "probit", "cloglog"])
        elif len(self.classes) == 2:
            method = self.random.choice(["softmax", "none", "logit", "probit", "cloglog", "loglog"])
            if method == "softmax":
                tables = "".join(self._table(targetCategory=each) for each in self.classes)
            else:
                tables = self._table(targetCategory=self.classes[0]) + tag(
                    "RegressionTable", intercept=0, targetCategory=self.classes[1]
                )
        else:
            method = self.random.choice(["softmax", "simplemax", "none"])
            tables = "".join(self._table(targetCategory=each) for each in self.classes)
        return tag("RegressionModel", frame, tables, functionName=purpose, normalizationMethod=method)

    def _general(self, purpose: str, treat: bool) -> str:
        frame = self._frame(purpose, treat)
        names = ["p0", "p1", "p2", "p3", "p4"]
        covariates = self.random.sample(self.numbers, 2)
        lists = tag("ParameterList", *(tag("Parameter", name=name) for name in names))
        lists += tag("FactorList", tag("Predictor", name="colour"))
        lists += tag("CovariateList", *(tag("Predictor", name=name) for name in covariates))
        cells = [
            tag("PPCell", value=1, predictorName=covariates[0], parameterName="p1"),
            tag("PPCell", value=self.random.choice([1, 2]), predictorName=covariates[1], parameterName="p2"),
            tag("PPCell", value="red", predictorName="colour", parameterName="p3"),
            tag("PPCell", value="4", predictorName="colour", parameterName="p4"),
            tag("PPCell", value=1, predictorName=covariates[0], parameterName="p4"),
        ]
        lists += tag("PPMatrix", *cells)
        values: dict[str, object] = {"functionName": purpose}
        categories: list[str | None] = [None]
        if purpose == "regression":
            values["modelType"] = self.random.choice(["generalLinear", "regression", "generalizedLinear"])
            if values["modelType"] == "generalizedLinear":
                link = self.random.choice(["identity", "log", "logit", "probit", "cloglog", "loglog", "logc"])
                values.update(distribution="normal", linkFunction=link)
                if self.chance(0.3):
                    values["offsetValue"] = 0.7
        elif len(self.classes) == 2:
            values.update(modelType="generalizedLinear", distribution="binomial")
            values["linkFunction"] = self.random.choice(["logit", "probit", "cloglog"])
            values["targetReferenceCategory"] = self.classes[0]
            categories = [self.classes[1]]
        else:
            values.update(modelType="multinomialLogistic", targetReferenceCategory=self.classes[-1])
            categories = list(self.classes[:-1])
        betas = [
            tag("PCell", targetCategory=each, parameterName=name, beta=self.number(0.5)) for each in categories for name in names
        ]
        return tag("GeneralRegressionModel", frame, lists, tag("ParamMatrix", *betas), **values)

    # Trees.

    def _scores(self, purpose: str, is_leaf: bool) -> tuple[dict[str, object], str]:
        if purpose == "regression":
            return ({"score": self.number()} if is_leaf or self.chance(0.8) else {}), ""
        counts = [self.random.randint(0, 30) + 0.01 * index for index in range(len(self.classes))]
        best = self.classes[counts.index(max(counts))]
        inside = "".join(
            tag("ScoreDistribution", value=each, recordCount=count) for each, count in zip(self.classes, counts, strict=True)
        )
        return {"score": best}, inside

    def _node(self, purpose: str, predicate: str, depth: int, style: str, identity: list[int]) -> str:
        identity[0] += 1
        own = identity[0]
        is_leaf = depth == 0 or (depth < 3 and self.chance(0.2))
        values, inside = self._scores(purpose, is_leaf)
        if is_leaf:
            return tag("Node", predicate, inside, id=own, **values)
        predicates = self._split(style)
        children = []
        first_ids = []
        for each in predicates:
            first_ids.append(identity[0] + 1)
            children.append(self._node(purpose, each, depth - 1, style, identity))
        if style == "default":
            values["defaultChild"] = self.random.choice(first_ids)
        return tag("Node", predicate, inside, *children, id=own, **values)

    def _split(self, style: str) -> list[str]:
        if style == "any":
            return [self.predicate() for _ in range(self.random.randint(1, 3))] + ([TRUE] if self.chance(0.5) else [])
        if self.chance(0.2):
            array = tag("Array", '"red" "grün" "4"', n=3, type="string")
            pair = [tag("SimpleSetPredicate", array, field="colour", booleanOperator=operator) for operator in ("isIn", "isNotIn")]
            self.random.shuffle(pair)
            return pair
        name = self.random.choice(self.numbers + self.derived)
        value = self.number()
        if self.chance(0.25):
            name = self.random.choice(["colour", "level"])
            value = self.category(name)  # type: ignore[assignment]
            tests = [("equal", value), ("notEqual", value)]
        elif self.chance(0.3):
            upper = value + abs(self.number())
            tests = [("lessThan", value), ("greaterThan", upper)]
        else:
            operator = self.random.choice(["lessThan", "lessOrEqual"])
            tests = [(operator, value), (OPPOSITE[operator], value)]
        if self.chance(0.3):
            tests.reverse()
        return [tag("SimplePredicate", field=name, operator=operator, value=number) for operator, number in tests]

    def tree(self, purpose: str, frame: str, depth: int | None = None) -> str:
        """A tree model."""
        style = self.random.choice(["any", "last", "null", "default", "none"])
        strategy = {"last": "lastPrediction", "null": "nullPrediction", "default": "defaultChild"}.get(style)
        node = self._node(purpose, TRUE, depth or self.random.randint(1, 5), style, [0])
        no_true = self.random.choice([None, "returnNullPrediction", "returnLastPrediction"])
        if style == "null":
            # pypmml gives the last prediction here for missing values too.
            no_true = None
        return tag("TreeModel", frame, node, functionName=purpose, missingValueStrategy=strategy, noTrueChildStrategy=no_true)

    def _tree(self, purpose: str, treat: bool) -> str:
        return self.tree(purpose, self._frame(purpose, treat))

    def _forest(self, purpose: str, treat: bool) -> str:
        # pypmml does not use the default value where the combination has no result.
        frame = self._frame(purpose, treat, default=False)
        inner = self.schema(False)
        always = self.chance(0.6)
        # Nothing of the document follows from an output field here; pypmml needs them to see probabilities of inner trees.
        segments = []
        weights = [0.5, 1.5, 1.0, 0.75, 1.25]
        for index, weight in enumerate(weights):
            predicate = TRUE if always or index == 0 else self.predicate()
            if self.chance(0.15) and purpose == "regression":
                model = tag("RegressionModel", inner, self._table(targetCategory=None), functionName=purpose)
            else:
                model = self.tree(purpose, inner, self.random.randint(1, 4))
            segments.append(tag("Segment", predicate, model, id=index, weight=weight))
        if purpose == "regression":
            method = self.random.choice(["sum", "average", "weightedAverage", "median", "weightedSum"])
        else:
            method = self.random.choice(["majorityVote", "weightedMajorityVote", "average", "weightedAverage", "median", "max"])
        # pypmml takes a missing result for the largest number of a median.
        treatment = "returnMissing" if method == "median" else self.random.choice([None, "continue", "returnMissing"])
        if method in ("majorityVote", "weightedMajorityVote") and self.numeric_classes:
            treatment = "continue"  # pypmml takes its own mark of a missing integer for a class
        if method == "weightedMajorityVote":
            # pypmml divides by the number of segments: the weights of those that apply must have the mean 1.
            segments = [
                segment.replace(f'weight="{weight}"', 'weight="1.0"') for segment, weight in zip(segments, weights, strict=True)
            ]
        segmentation = tag("Segmentation", *segments, multipleModelMethod=method, missingPredictionTreatment=treatment)
        return tag("MiningModel", frame, segmentation, functionName=purpose)

    def _select(self, purpose: str, treat: bool) -> str:
        # pypmml ignores the targets of a selection.
        frame = self.schema(treat)
        inner = self.schema(False)
        segments = [
            tag("Segment", self.predicate() if index < 3 else TRUE, self.tree(purpose, inner, 3), id=index) for index in range(4)
        ]
        return tag("MiningModel", frame, tag("Segmentation", *segments, multipleModelMethod="selectFirst"), functionName=purpose)

    def _boosting(self, purpose: str, treat: bool) -> str:
        """A sum of trees for each class, and an equation that makes probabilities of the sums."""
        frame = self.schema(treat)
        inner = self.schema(False).replace(tag("MiningField", name="y", usageType="target"), "")
        names = ["f0"] if len(self.classes) == 2 else [f"f{index}" for index in range(len(self.classes))]
        segments = []
        for name in names:
            trees = [tag("Segment", TRUE, self.tree("regression", inner, 3), id=f"{name}-{index}") for index in range(6)]
            scaled = tag("Apply", tag("FieldRef", field=f"raw_{name}"), tag("Constant", "0.1", dataType="double"), function="*")
            output = tag(
                "Output",
                tag("OutputField", name=f"raw_{name}", optype="continuous", dataType="double", feature="predictedValue"),
                tag("OutputField", scaled, name=name, optype="continuous", dataType="double", feature="transformedValue"),
            )
            summed = tag("Segmentation", *trees, multipleModelMethod="sum")
            segments.append(tag("Segment", TRUE, tag("MiningModel", inner, output, summed, functionName="regression"), id=name))
        active = tag("MiningField", name="y", usageType="target") + "".join(tag("MiningField", name=name) for name in names)
        if len(names) == 1:
            table = tag(
                "RegressionTable", tag("NumericPredictor", name="f0", coefficient=1), intercept=0.3, targetCategory=self.classes[1]
            )
            tables = table + tag("RegressionTable", intercept=0, targetCategory=self.classes[0])
            method = "logit"
        else:
            tables = "".join(
                tag("RegressionTable", tag("NumericPredictor", name=name, coefficient=1), intercept=0, targetCategory=each)
                for name, each in zip(names, self.classes, strict=True)
            )
            method = "softmax"
        last = tag("RegressionModel", tag("MiningSchema", active), tables, functionName=purpose, normalizationMethod=method)
        segments.append(tag("Segment", TRUE, last, id="last"))
        return tag("MiningModel", frame, tag("Segmentation", *segments, multipleModelMethod="modelChain"), functionName=purpose)

    def _scorecard(self, purpose: str, treat: bool) -> str:
        frame = self._frame(purpose, treat)
        characteristics = []
        for index in range(self.random.randint(1, 4)):
            attributes = []
            for _ in range(self.random.randint(1, 4)):
                if self.chance(0.2):
                    attributes.append(tag("Attribute", self.predicate(2), tag("ComplexPartialScore", self.expression(2))))
                else:
                    attributes.append(tag("Attribute", self.predicate(2), partialScore=self.number(20)))
            if self.chance(0.8):
                attributes.append(tag("Attribute", TRUE, partialScore=self.number(20)))
            characteristics.append(tag("Characteristic", *attributes, name=f"c{index}"))
        inside = tag("Characteristics", *characteristics)
        return tag("Scorecard", frame, inside, functionName=purpose, useReasonCodes="false", initialScore=self.number(10))


KINDS = (
    "regression",
    "regression_class",
    "general",
    "general_class",
    "tree",
    "tree_class",
    "forest",
    "forest_class",
    "select",
    "select_class",
    "boosting_class",
    "scorecard",
)


def generate(kind: str, seed: int) -> bytes:
    """A random document of a kind."""
    return Models(seed).document(kind)
