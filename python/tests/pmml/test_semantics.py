"""What PMML says where consumers differ, and what callers of a converted model rely on. Expected answers are worked out by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import onnx
import pytest

from understudy.convert.pmml import NO_INTEGER_LABEL, Converted, to_onnx

from .scoring import Scorer

HEAD = '<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/><DataDictionary>'
FIELDS = (
    '<DataField name="x" optype="continuous" dataType="double"/><DataField name="z" optype="continuous" dataType="double"/>'
    '<DataField name="c" optype="categorical" dataType="string"/><DataField name="f" optype="continuous" dataType="float"/>'
    '<DataField name="b" optype="categorical" dataType="boolean"/>'
)
NUMBER = '<DataField name="y" optype="continuous" dataType="double"/>'
SCHEMA = '<MiningField name="y" usageType="target"/><MiningField name="x"/><MiningField name="z"/><MiningField name="c"/>'
SCHEMA = f'<MiningSchema>{SCHEMA}<MiningField name="f"/><MiningField name="b"/></MiningSchema>'


def converted(model: str, target: str = NUMBER, transformations: str = "") -> Converted:
    return to_onnx(f"{HEAD}{FIELDS}{target}</DataDictionary>{transformations}{model}</PMML>".encode())


def answers(model: Converted, *rows: dict[str, Any]) -> list[Any]:
    scorer = Scorer(model.model)
    return [answer["value"] for answer in scorer.score([{name: row.get(name) for name in scorer.names} for row in rows])]


def tree(nodes: str, **attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    root = f'<Node id="0" score="-1" defaultChild="2"><True/>{nodes}</Node>'
    return f'<TreeModel functionName="regression"{written}>{SCHEMA}{root}</TreeModel>'


def node(identity: int, score: float, predicate: str, inside: str = "") -> str:
    return f'<Node id="{identity}" score="{score}">{predicate}{inside}</Node>'


def simple(operator: str, value: str = "", field: str = "x") -> str:
    given = f' value="{value}"' if value else ""
    return f'<SimplePredicate field="{field}" operator="{operator}"{given}/>'


def derived(expression: str, data_type: str = "double") -> str:
    """A regression whose prediction is a derived field."""
    field = f'<DerivedField name="d" optype="continuous" dataType="{data_type}">{expression}</DerivedField>'
    table = '<RegressionTable intercept="0"><NumericPredictor name="d" coefficient="1"/></RegressionTable>'
    inside = f"{SCHEMA}<LocalTransformations>{field}</LocalTransformations>{table}"
    return f'<RegressionModel functionName="regression">{inside}</RegressionModel>'


def xor(*parts: str) -> str:
    return f'<CompoundPredicate booleanOperator="xor">{"".join(parts)}</CompoundPredicate>'


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("none", 2.0), ("lastPrediction", -1.0), ("nullPrediction", None), ("defaultChild", 2.0), ("aggregateNodes", None)],
)
def test_the_first_unknown_predicate_decides_and_a_note_says_where_pypmml_differs(strategy: str, expected: float | None) -> None:
    predicates = node(1, 1, simple("lessThan", "0")) + node(2, 2, simple("greaterThan", "5", "z")) + node(3, 3, "<True/>")
    model = converted(tree(predicates, missingValueStrategy=strategy))
    assert answers(model, {"x": None, "z": 9.0}, {"x": -1.0, "z": None}, {"x": 1.0, "z": 6.0}) == [expected, 1.0, 2.0]
    assert any("pypmml" in note for note in model.notes) == (strategy != "none")


def test_a_null_prediction_is_not_replaced_by_the_last_one() -> None:
    nodes = node(1, 1, simple("lessThan", "0")) + node(2, 2, simple("greaterThan", "5"))
    model = converted(tree(nodes, missingValueStrategy="nullPrediction", noTrueChildStrategy="returnLastPrediction"))
    assert answers(model, {"x": None}, {"x": 3.0}, {"x": 6.0}) == [None, -1.0, 2.0]


def test_an_odd_number_of_true_predicates_makes_xor_true() -> None:
    model = converted(tree(node(1, 1, xor(simple("lessThan", "0"), simple("lessThan", "0", "z")))))
    rows = [{"x": x, "z": z} for x in (-1.0, 1.0) for z in (-1.0, 1.0)]
    assert answers(model, *rows, {"x": None, "z": -1.0}) == [None, 1.0, 1.0, None, None]


def test_a_surrogate_counts_within_another_predicate() -> None:
    parts = simple("lessThan", "0") + simple("lessThan", "0", "z")
    surrogate = f'<CompoundPredicate booleanOperator="surrogate">{parts}</CompoundPredicate>'
    both = f'<CompoundPredicate booleanOperator="and">{surrogate}{simple("equal", "a", "c")}</CompoundPredicate>'
    model = converted(tree(node(1, 1, both)))
    assert answers(model, {"x": None, "z": -1.0, "c": "a"}, {"x": 1.0, "z": -1.0, "c": "a"}) == [1.0, None]


def test_infinite_numbers_and_zeros_of_both_signs_find_their_way() -> None:
    nodes = node(1, 1, simple("lessThan", "0")) + node(2, 2, simple("greaterOrEqual", "0"))
    model = converted(tree(nodes))
    assert answers(model, {"x": math.inf}, {"x": -math.inf}, {"x": -0.0}, {"x": 0.0}, {"x": -5e-324}) == [2.0, 1.0, 2.0, 2.0, 1.0]
    present = converted(tree(node(1, 1, simple("isNotMissing")) + node(2, 2, simple("isMissing"))))
    assert answers(present, {"x": math.inf}, {"x": -math.inf}, {"x": None}) == [1.0, 1.0, 2.0]


def test_a_float_is_compared_in_single_precision() -> None:
    model = converted(tree(node(1, 1, simple("lessOrEqual", "0.1", "f")) + node(2, 2, "<True/>")))
    assert answers(model, {"f": 0.1}, {"f": 0.10000000149011612}, {"f": 0.1000001}) == [1.0, 1.0, 2.0]
    assert any("single precision" in note for note in model.notes)


def test_a_value_in_no_bin_gives_the_default_and_a_missing_one_its_own() -> None:
    inside = '<DiscretizeBin binValue="7"><Interval closure="openClosed" leftMargin="0" rightMargin="1"/></DiscretizeBin>'
    model = converted(derived(f'<Discretize field="x" dataType="double" defaultValue="3" mapMissingTo="5">{inside}</Discretize>'))
    assert answers(model, {"x": 0.0}, {"x": 5e-324}, {"x": 1.0}, {"x": 1.1}, {"x": None}) == [3.0, 7.0, 7.0, 3.0, 5.0]


def test_a_comparison_with_a_missing_value_is_missing() -> None:
    order = '<Apply function="lessThan"><FieldRef field="x"/><Constant dataType="double">0</Constant></Apply>'
    arms = '<Constant dataType="double">1</Constant><Constant dataType="double">2</Constant>'
    model = converted(derived(f'<Apply function="if">{order}{arms}</Apply>'))
    assert answers(model, {"x": -1.0}, {"x": 1.0}, {"x": None}) == [1.0, 2.0, None]
    assert any("missing result for a missing argument" in note for note in model.notes)


def test_functions_that_the_document_defines_are_applied_to_their_arguments() -> None:
    body = '<Apply function="-"><FieldRef field="a"/><FieldRef field="b"/></Apply>'
    parameters = '<ParameterField name="a" dataType="double"/><ParameterField name="b" dataType="double"/>'
    function = f'<TransformationDictionary><DefineFunction name="less" optype="continuous">{parameters}{body}</DefineFunction>'
    call = '<Apply function="less"><FieldRef field="z"/><FieldRef field="x"/></Apply>'
    model = converted(derived(call), transformations=f"{function}</TransformationDictionary>")
    assert answers(model, {"x": 1.0, "z": 10.0}, {"x": None, "z": 1.0}) == [9.0, None]


def test_texts_with_markup_blanks_and_other_scripts_are_told_apart() -> None:
    texts = ["a&amp;b &lt;c&gt;", "a b", "größer", "日本", "1", "1.0"]
    model = converted(tree("".join(node(i, i, simple("equal", text, "c")) for i, text in enumerate(texts))))
    sent = ["a&b <c>", "a b", "größer", "日本", "1", "1.0", "", "other"]
    assert answers(model, *({"c": text} for text in sent)) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, None, None]


def test_an_equation_of_two_classes_needs_no_list_of_classes() -> None:
    tables = (
        '<RegressionTable intercept="0" targetCategory="1"><NumericPredictor name="x" coefficient="1"/></RegressionTable>'
        '<RegressionTable intercept="-0.0" targetCategory="0"/>'
    )
    target = '<DataField name="y" optype="categorical" dataType="string"/>'
    model = converted(
        f'<RegressionModel functionName="classification" normalizationMethod="logit">{SCHEMA}{tables}</RegressionModel>', target
    )
    first = Scorer(model.model).score([{"x": math.log(3.0)}, {"x": -1.0}, {"x": None}])
    assert [answer["value"] for answer in first] == ["1", "0", None]
    assert first[0]["probabilities"] == pytest.approx({"1": 0.75, "0": 0.25})


@pytest.mark.parametrize(
    ("x", "expected"), [(-6.0, 9.865876450376946e-10), (-2.0, 0.022750131948179195), (0.0, 0.5), (3.0, 0.9986501019683699)]
)
def test_the_normal_distribution_is_exact_in_its_tails(x: float, expected: float) -> None:
    table = '<RegressionTable intercept="0"><NumericPredictor name="x" coefficient="1"/></RegressionTable>'
    model = converted(f'<RegressionModel functionName="regression" normalizationMethod="probit">{SCHEMA}{table}</RegressionModel>')
    assert answers(model, {"x": x})[0] == pytest.approx(expected, rel=1e-9)


def test_a_leaf_number_of_a_large_tree_is_exact() -> None:
    inner = ["".join(node(100 * i + j, 100 * i + j + 0.1, simple("equal", str(j), "z")) for j in range(100)) for i in range(50)]
    model = converted(tree("".join(node(i, 0, simple("equal", str(i)), inside) for i, inside in enumerate(inner))))
    rows = [{"x": 49.0, "z": 99.0}, {"x": 40.0, "z": 97.0}, {"x": 0.0, "z": 0.0}, {"x": 0.5, "z": 1.0}]
    assert answers(model, *rows) == [4999.1, 4097.1, 0.1, None]


def test_inputs_have_the_types_of_fields_and_only_what_is_read_is_an_input() -> None:
    nodes = node(1, 1, simple("equal", "true", "b")) + node(2, 2, simple("equal", "u", "c")) + node(3, 3, simple("lessThan", "1"))
    model = converted(tree(nodes)).model
    found = {port.name: port.type.tensor_type for port in model.graph.input}
    assert {name: kind.elem_type for name, kind in found.items()} == {
        "b": onnx.TensorProto.BOOL,
        "c": onnx.TensorProto.STRING,
        "x": onnx.TensorProto.DOUBLE,
    }
    assert {(kind.shape.dim[0].dim_param, kind.shape.dim[1].dim_value) for kind in found.values()} == {("N", 1)}
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17), ("ai.onnx.ml", 3)]


def test_integer_classes_are_int64_labels_and_the_smallest_one_says_that_there_is_none() -> None:
    target = '<DataField name="y" optype="categorical" dataType="integer"><Value value="3"/><Value value="-2"/></DataField>'
    shares = '<ScoreDistribution value="3" recordCount="1"/><ScoreDistribution value="-2" recordCount="3"/>'
    nodes = f'<Node score="-2">{simple("lessThan", "0")}{shares}</Node>'
    model = converted(
        f'<TreeModel functionName="classification">{SCHEMA}<Node score="3"><True/>{shares}{nodes}</Node></TreeModel>', target
    )
    metadata = {each.key: each.value for each in model.model.metadata_props}
    assert json.loads(metadata["labels"]) == [3, -2]
    assert metadata["target"] == "y"
    assert json.loads(metadata["notes"]) == list(model.notes)
    assert any(str(NO_INTEGER_LABEL) in note for note in model.notes)
    found = Scorer(model.model).score([{"x": -1.0}, {"x": 1.0}])
    assert found[0] == {"value": "-2", "probabilities": {"3": 0.25, "-2": 0.75}}
    assert found[1] == {"value": None, "probabilities": {"3": None, "-2": None}}


@pytest.mark.parametrize(
    ("version", "namespace"),
    [
        ("3.0", "http://www.dmg.org/PMML-3_0"),
        ("3.1", "https://www.dmg.org/PMML-3_1"),
        ("4.2.1", "http://dmg.org/PMML-4_2"),
        ("4.4", ""),
    ],
)
def test_versions_have_their_own_namespaces_and_extensions_are_passed_over(version: str, namespace: str) -> None:
    extension = '<Extension name="other"><Node xmlns="http://example.org/other"/></Extension>'
    document = f"{HEAD}{FIELDS}{NUMBER}</DataDictionary>{tree(extension + node(1, 1, extension + simple('lessThan', '0')))}</PMML>"
    written = f' xmlns="{namespace}"' if namespace else ""
    document = document.replace(' version="4.4" xmlns="http://www.dmg.org/PMML-4_4"', f' version="{version}"{written}')
    assert answers(to_onnx(document.encode()), {"x": -1.0}, {"x": 1.0}) == [1.0, None]


def test_a_table_may_have_a_namespace_of_its_own() -> None:
    rows = "<row><d:key>a b</d:key><d:out>1.5</d:out></row><row><d:key>c</d:key><d:out>-2</d:out></row>"
    table = f'<InlineTable xmlns:d="http://example.org/data">{rows}</InlineTable>'
    pair = '<FieldColumnPair field="c" column="key"/>'
    model = converted(derived(f'<MapValues outputColumn="out" dataType="double" defaultValue="9">{pair}{table}</MapValues>'))
    assert answers(model, {"c": "a b"}, {"c": "c"}, {"c": "d"}, {"c": None}) == [1.5, -2.0, 9.0, None]


def test_equal_documents_give_equal_models() -> None:
    document = derived('<Apply function="+"><FieldRef field="x"/><FieldRef field="z"/></Apply>')
    assert converted(document).model.SerializeToString() == converted(document).model.SerializeToString()
