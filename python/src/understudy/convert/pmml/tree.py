"""TreeModel: a tree of PMML as a tree of binary tests. A test is true, or not true: what is unknown is decided here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .document import Element
from .outcome import Target
from .predicates import Comparison, comparison, predicate_of, truth
from .refusal import malformed, unsupported
from .scope import Scope
from .sets import SetColumns
from .truth import column
from .values import full, literal, missing


@dataclass(frozen=True)
class Leaf:
    """An end of the tree: a row of the table of results."""

    row: int


@dataclass(frozen=True)
class Test:
    """A comparison of a column with a number. `missing_true` says where a missing value goes."""

    column: str
    mode: str
    """BRANCH_LEQ, BRANCH_LT or BRANCH_EQ"""
    number: float
    when_true: Branch
    when_false: Branch
    missing_true: bool


Branch = Leaf | Test

_COMPLEMENTS = {
    "equal": "notEqual",
    "notEqual": "equal",
    "lessThan": "greaterOrEqual",
    "greaterOrEqual": "lessThan",
    "lessOrEqual": "greaterThan",
    "greaterThan": "lessOrEqual",
    "isMissing": "isNotMissing",
    "isNotMissing": "isMissing",
    "isIn": "isNotIn",
    "isNotIn": "isIn",
}

_ENSEMBLE_STRATEGIES = ("aggregateNodes", "weightedConfidence")
_STRATEGIES = ("none", "lastPrediction", "nullPrediction", "defaultChild", *_ENSEMBLE_STRATEGIES)


@dataclass(frozen=True)
class Results:
    """The results at the ends of trees: numbers or classes, and probabilities for classes. NaN is a missing result."""

    values: list[float]
    probabilities: list[dict[float, float]]


class TreeReader:
    """Reads one tree model."""

    def __init__(self, model: Element, scope: Scope, target: Target, results: Results, sets: SetColumns) -> None:
        self._sets = sets
        self._scope = scope
        self._target = target
        self._results = results
        self._rows: dict[int, int] = {}
        self._first_row = len(results.values)
        self._strategy = model.get("missingValueStrategy", "none") or "none"
        if self._strategy not in _STRATEGIES:
            raise malformed(model, f"the missingValueStrategy {self._strategy[:40]!r} is not one of PMML's")
        self._no_true_child = model.get("noTrueChildStrategy", "returnNullPrediction")
        if self._no_true_child not in ("returnNullPrediction", "returnLastPrediction"):
            raise malformed(model, "the noTrueChildStrategy is not one of PMML's")
        if self._strategy in _ENSEMBLE_STRATEGIES:
            scope.context.note(
                f"{model.place}: the missingValueStrategy {self._strategy} is not supported;"
                " a row whose way through the tree depends on a missing value has no prediction"
            )
        if self._strategy == "nullPrediction" and self._no_true_child == "returnLastPrediction":
            scope.context.note(
                f"{model.place}: a node whose predicates are unknown gives a missing prediction, as PMML says of nullPrediction;"
                " pypmml gives the last prediction where the noTrueChildStrategy is returnLastPrediction"
            )
        self._model = model

    def read(self) -> Branch:
        """Return the tree. The predicate of the root is checked as that of any node."""
        root = self._model.the("Node")
        own = truth(predicate_of(root), self._scope)
        inner = self._inside(root)
        if own.always is True:
            return inner
        raise unsupported(root, "a root node whose predicate is not True is not supported")

    def _leaf(self, node: Element | None) -> Leaf:
        """Return the result of a node, or a missing one. Rows of the table are counted from the first one of this tree."""
        key = id(node)
        if key not in self._rows:
            value, probabilities = (math.nan, dict[float, float]()) if node is None else self._result(node)
            self._rows[key] = len(self._results.values) - self._first_row
            self._results.values.append(value)
            self._results.probabilities.append(probabilities)
        return Leaf(self._rows[key])

    def _result(self, node: Element) -> tuple[float, dict[float, float]]:
        vocabulary = self._scope.context.vocabulary
        target = self._target
        score = node.get("score")
        if target.purpose == "regression":
            return (math.nan if score is None else literal(node, score, "double", vocabulary)), {}
        distributions = list(node.all("ScoreDistribution"))
        counts = [distribution.number("recordCount", 0.0) for distribution in distributions]
        total = sum(counts)
        classes = [literal(each, each.need("value"), target.data_type, vocabulary) for each in distributions]
        if len(set(classes)) != len(classes):
            raise malformed(node, "two score distributions are about the same value")
        probabilities = {
            class_: each.number("probability", count / total if total > 0 else math.nan)
            for class_, each, count in zip(classes, distributions, counts, strict=True)
        }
        if score is not None:
            return literal(node, score, target.data_type, vocabulary), probabilities
        if not classes or total <= 0:
            return math.nan, probabilities
        self._scope.context.note(
            f"{self._model.place}: nodes without a score predict their most frequent value, as PMML says; pypmml predicts none"
        )
        return classes[counts.index(max(counts))], probabilities

    def _inside(self, node: Element) -> Branch:
        children = list(node.all("Node"))
        if node.first("Regression", "DecisionTree") is not None:
            raise unsupported(node, "a model within a node is not supported")
        if not children:
            return self._leaf(node)
        last = self._leaf(node if self._no_true_child == "returnLastPrediction" else None)
        tests = [comparison(predicate_of(child), self._scope) for child in children]
        if self._strategy == "none":
            return self._without_unknown(children, tests, last)
        if self._strategy == "defaultChild" and node.get("defaultChild") is None:
            on_unknown = None
        elif self._strategy == "defaultChild":
            wanted = node.get("defaultChild")
            found = [index for index, child in enumerate(children) if child.get("id") == wanted]
            if len(found) != 1:
                raise malformed(node, "the defaultChild is not the id of one of its children")
            on_unknown = found[0]
        else:
            on_unknown = None
        unknown = self._leaf(node if self._strategy == "lastPrediction" else None)
        if self._strategy == "defaultChild" and on_unknown is None:
            unknown = last
        return self._with_unknown(children, tests, last, on_unknown, unknown)

    def _without_unknown(self, children: list[Element], tests: list[Comparison | None], last: Branch) -> Branch:
        """Return the first child whose predicate is true. Unknown counts as false."""
        branch = last
        for child, test in zip(reversed(children), reversed(tests), strict=True):
            branch = self._test(child, test, self._inside(child), branch, missing_true=False)
        return branch

    def _with_unknown(
        self, children: list[Element], tests: list[Comparison | None], last: Branch, default: int | None, unknown: Leaf
    ) -> Branch:
        """Let the first child decide that is true or unknown. Unknown goes to the default child, or ends the scoring."""
        columns = {test.value.tensor for test in tests if test is not None}
        plain = all(test is not None and test.operator not in ("isMissing", "isNotMissing") for test in tests)
        if plain and len(columns) == 1:
            return self._on_one_column(children, [test for test in tests if test is not None], last, default, unknown)
        # The number of the child that decides, computed with ordinary operators: -1 for none, -2 where the scoring ends.
        graph = self._scope.context.graph
        chosen = graph.op("Expand", graph.constant(-1.0), graph.rows)
        on_unknown = graph.constant(-2.0 if default is None else float(default))
        ambiguous = False
        for index in range(len(children) - 1, -1, -1):
            predicate = truth(predicate_of(children[index]), self._scope)
            chosen = graph.op("Where", predicate.true, graph.constant(float(index)), chosen)
            if predicate.unknown is not None:
                chosen = graph.op("Where", predicate.unknown, on_unknown, chosen)
                ambiguous = ambiguous or index < len(children) - 1
        if ambiguous:
            self._scope.context.note(
                f"{self._model.place}: the first unknown predicate of a node decides, as PMML says;"
                " pypmml looks for a later child that is true"
            )
        branch: Branch = last
        for index in range(len(children) - 1, -1, -1):
            branch = Test(chosen, "BRANCH_EQ", float(index), self._inside(children[index]), branch, missing_true=False)
        return branch if default is not None else Test(chosen, "BRANCH_EQ", -2.0, unknown, branch, missing_true=False)

    def _on_one_column(
        self, children: list[Element], tests: list[Comparison], last: Branch, default: int | None, unknown: Leaf
    ) -> Branch:
        """All predicates compare the same column, so that a missing value makes all of them unknown at once."""
        covered = len(tests) == 2 and _complementary(tests[0], tests[1])
        if default is not None:
            if covered:
                inside = [self._inside(child) for child in children]
                return self._test(children[0], tests[0], inside[0], inside[1], missing_true=default == 0)
            branch = last
            for index in range(len(children) - 1, -1, -1):
                branch = self._test(children[index], tests[index], self._inside(children[index]), branch, index == default)
            return branch
        branch = self._without_unknown(children, list(tests), last)
        if unknown == last:
            return branch
        tensor = full(self._scope.context.graph, tests[0].value)
        return Test(tensor, "BRANCH_LEQ", math.inf, branch, unknown, missing_true=False)

    def _test(self, child: Element, test: Comparison | None, true: Branch, other: Branch, missing_true: bool) -> Branch:
        """Return a test of a predicate: `true` where it is true, `other` where it is not."""
        graph = self._scope.context.graph
        if test is None:
            predicate = truth(predicate_of(child), self._scope)
            if predicate.always is not None:
                return true if predicate.always else other
            return Test(column(graph, predicate), "BRANCH_EQ", 1.0, true, other, missing_true)
        tensor = full(graph, test.value)
        if test.operator == "isMissing":
            flag = graph.op("Where", missing(graph, test.value), graph.constant(1.0), graph.constant(0.0))
            return Test(flag, "BRANCH_EQ", 1.0, true, other, missing_true=False)
        if test.operator in ("isIn", "isNotIn"):
            member = self._sets.column(tensor, test.members)
            return Test(member, "BRANCH_EQ", float(test.operator == "isIn"), true, other, missing_true)
        if test.operator == "isNotMissing":
            return Test(tensor, "BRANCH_LEQ", math.inf, true, other, missing_true=False)
        mode = {"equal": "BRANCH_EQ", "lessThan": "BRANCH_LT", "lessOrEqual": "BRANCH_LEQ"}.get(test.operator)
        if mode is not None:
            return Test(tensor, mode, test.number, true, other, missing_true)
        mode = {"notEqual": "BRANCH_EQ", "greaterOrEqual": "BRANCH_LT", "greaterThan": "BRANCH_LEQ"}[test.operator]
        return Test(tensor, mode, test.number, other, true, missing_true=not missing_true)


def _complementary(first: Comparison, second: Comparison) -> bool:
    """Whether exactly one of two comparisons is true for each value that is not missing."""
    same = first.number == second.number or bool(np.isnan(first.number) and np.isnan(second.number))
    return same and first.members == second.members and _COMPLEMENTS[first.operator] == second.operator
