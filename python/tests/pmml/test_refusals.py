"""What cannot be converted with certainty is refused, with its place and what to do. Hostile files do no harm."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from understudy.convert.pmml import MalformedPmmlError, UnsupportedPmmlError, to_onnx
from understudy.convert.pmml.document import MAX_DEPTH

FRAME = """<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/>
<DataDictionary>
 <DataField name="x" optype="continuous" dataType="double"/>
 <DataField name="c" optype="categorical" dataType="string"/>
 <DataField name="d" optype="ordinal" dataType="date"/>
 <DataField name="y" optype="{optype}" dataType="{type}"/>
</DataDictionary>{transformations}{model}</PMML>"""

SCHEMA = (
    '<MiningSchema><MiningField name="y" usageType="target"/><MiningField name="x"/><MiningField name="c"/>'
    '<MiningField name="d"/></MiningSchema>'
)


def regression(inside: str, transformations: str = "", table: str = '<NumericPredictor name="x" coefficient="2"/>') -> bytes:
    model = f'<RegressionModel functionName="regression">{SCHEMA}{inside}<RegressionTable intercept="1">{table}</RegressionTable>'
    return FRAME.format(
        optype="continuous", type="double", transformations=transformations, model=f"{model}</RegressionModel>"
    ).encode()


def tree(nodes: str, **attributes: str) -> bytes:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    model = f'<TreeModel functionName="regression"{written}>{SCHEMA}<Node><True/>{nodes}</Node></TreeModel>'
    return FRAME.format(optype="continuous", type="double", transformations="", model=model).encode()


UNSUPPORTED = {
    "a model of another kind": (
        FRAME.format(optype="continuous", type="double", transformations="", model="<NeuralNetwork/>").encode(),
        "PMML/NeuralNetwork",
    ),
    "a function that makes texts": (
        regression(
            '<LocalTransformations><DerivedField name="u" optype="categorical" dataType="string">'
            '<Apply function="uppercase"><FieldRef field="c"/></Apply></DerivedField></LocalTransformations>',
            table='<CategoricalPredictor name="u" value="A" coefficient="1"/>',
        ),
        "Apply(function='uppercase')",
    ),
    "a date": (
        tree('<Node score="1"><SimplePredicate field="d" operator="equal" value="2020-01-01"/></Node>'),
        "DataField[3](name='d')",
    ),
    "the order of texts": (
        tree('<Node score="1"><SimplePredicate field="c" operator="lessThan" value="b"/></Node>'),
        "SimplePredicate",
    ),
    "a text as a number": (regression("", table='<NumericPredictor name="c" coefficient="2"/>'), "NumericPredictor(name='c')"),
    "a number that becomes an integer": (
        regression(
            '<LocalTransformations><DerivedField name="i" optype="continuous" dataType="integer"><FieldRef field="x"/>'
            "</DerivedField></LocalTransformations>",
            table='<NumericPredictor name="i" coefficient="2"/>',
        ),
        "DerivedField(name='i')",
    ),
    "an external table": (
        regression(
            '<LocalTransformations><DerivedField name="m" optype="continuous" dataType="double">'
            '<MapValues outputColumn="o" dataType="double"><FieldColumnPair field="c" column="i"/><TableLocator/></MapValues>'
            "</DerivedField></LocalTransformations>",
            table='<NumericPredictor name="m" coefficient="2"/>',
        ),
        "MapValues",
    ),
    "a model that reads nothing": (regression("", table=""), "RegressionModel"),
    "a root node with a condition": (
        tree("").replace(b"<Node><True/>", b'<Node score="1"><SimplePredicate field="x" operator="lessThan" value="1"/>'),
        "Node",
    ),
}


@pytest.mark.parametrize(("document", "place"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_a_refusal_names_the_element_and_says_what_to_do(document: bytes, place: str) -> None:
    with pytest.raises(UnsupportedPmmlError, match=re.escape(place)) as error:
        to_onnx(document)
    assert "spec.runtime" in str(error.value)


MALFORMED = {
    "an empty file": b"",
    "not XML": b"PK\x03\x04 not xml",
    "another root": b"<html/>",
    "version 2": b'<PMML version="2.1" xmlns="http://www.dmg.org/PMML-2_1"/>',
    "no version": b'<PMML xmlns="http://www.dmg.org/PMML-4_4"/>',
    "no model": b'<PMML version="4.4"><DataDictionary/></PMML>',
    "an entity": b'<!DOCTYPE PMML [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><PMML version="4.4">&b;</PMML>',
    "an external entity": b'<!DOCTYPE PMML [<!ENTITY a SYSTEM "file:///etc/passwd">]><PMML version="4.4">&a;</PMML>',
    "an external declaration": b'<!DOCTYPE PMML SYSTEM "http://127.0.0.1:9/x.dtd"><PMML version="4.4"/>',
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><PMML version="4.4"/>',
    "too deep": b'<PMML version="4.4">' + b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH + b"</PMML>",
    "too many attributes": b'<PMML version="4.4" ' + b" ".join(b'a%d="1"' % i for i in range(100)) + b"/>",
    "a coefficient that is not a number": regression("", table='<NumericPredictor name="x" coefficient="nan"/>'),
    "a number with an underscore": regression("", table='<NumericPredictor name="x" coefficient="1_0"/>'),
    "a field that is not there": regression("", table='<NumericPredictor name="z" coefficient="1"/>'),
    "a field derived from itself": regression(
        '<LocalTransformations><DerivedField name="s" optype="continuous" dataType="double"><FieldRef field="s"/></DerivedField>'
        "</LocalTransformations>",
        table='<NumericPredictor name="s" coefficient="1"/>',
    ),
    "an unknown operator": tree('<Node score="1"><SimplePredicate field="x" operator="near" value="1"/></Node>'),
    "a default child that is not there": tree(
        '<Node id="1" score="1"><SimplePredicate field="x" operator="lessThan" value="1"/></Node>',
        missingValueStrategy="defaultChild",
    ).replace(b"<Node><True/>", b'<Node defaultChild="9"><True/>'),
    "an array that is shorter than it says": tree(
        '<Node score="1"><SimpleSetPredicate field="c" booleanOperator="isIn"><Array n="3" type="string">a b</Array>'
        "</SimpleSetPredicate></Node>"
    ),
    "two fields of one name": regression("").replace(b'name="c" optype', b'name="x" optype'),
}


@pytest.mark.parametrize("document", MALFORMED.values(), ids=MALFORMED)
def test_a_file_that_is_not_a_valid_document_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedPmmlError):
        to_onnx(document)


def test_a_function_that_calls_itself_ends_with_a_refusal() -> None:
    function = (
        '<TransformationDictionary><DefineFunction name="f" optype="continuous"><ParameterField name="a"/>'
        '<Apply function="f"><FieldRef field="a"/></Apply></DefineFunction>'
        '<DerivedField name="g" optype="continuous" dataType="double">'
        '<Apply function="f"><FieldRef field="x"/></Apply></DerivedField>'
        "</TransformationDictionary>"
    )
    with pytest.raises(UnsupportedPmmlError, match="nested deeper"):
        to_onnx(regression("", transformations=function, table='<NumericPredictor name="g" coefficient="1"/>'))


def test_functions_that_multiply_a_small_document_are_refused() -> None:
    call = '<Apply function="f{0}"><Apply function="f{0}"><FieldRef field="a"/></Apply></Apply>'
    start = '<DefineFunction name="f0" optype="continuous"><ParameterField name="a"/><FieldRef field="a"/></DefineFunction>'
    functions = start + "".join(
        f'<DefineFunction name="f{i}" optype="continuous"><ParameterField name="a"/>{call.format(i - 1)}</DefineFunction>'
        for i in range(1, 30)
    )
    outer = '<Apply function="f29"><FieldRef field="x"/></Apply>'
    field = f'<DerivedField name="g" optype="continuous" dataType="double">{outer}</DerivedField>'
    transformations = f"<TransformationDictionary>{functions}{field}</TransformationDictionary>"
    with pytest.raises(UnsupportedPmmlError, match="functions call functions"):
        to_onnx(regression("", transformations=transformations, table='<NumericPredictor name="g" coefficient="1"/>'))


def test_a_long_chain_of_derived_fields_is_refused() -> None:
    names = ["x", *(f"g{i}" for i in range(2000))]
    fields = "".join(
        f'<DerivedField name="{name}" optype="continuous" dataType="double"><FieldRef field="{before}"/></DerivedField>'
        for before, name in pairwise(names)
    )
    table = '<NumericPredictor name="g1999" coefficient="1"/>'
    with pytest.raises(UnsupportedPmmlError, match="chain that is too long"):
        to_onnx(regression("", f"<TransformationDictionary>{fields}</TransformationDictionary>", table))


def test_a_tree_as_deep_as_a_document_may_be_converts() -> None:
    depth = MAX_DEPTH - 6
    predicate = '<SimplePredicate field="x" operator="lessThan" value="1"/>'
    nodes = f'<Node score="1">{predicate}' * depth + "</Node>" * depth
    assert to_onnx(tree(nodes)).model.graph.node


def test_a_tree_that_would_overflow_the_stack_of_the_server_is_refused() -> None:
    many = "".join(f'<Node score="1"><SimplePredicate field="x" operator="equal" value="{i}"/></Node>' for i in range(2000))
    with pytest.raises(UnsupportedPmmlError, match="too many children"):
        to_onnx(tree(many))


def test_a_huge_text_is_read_in_one_pass() -> None:
    document = regression("").replace(b"<Header/>", b"<Header>" + b"a&#98;" * 500_000 + b"</Header>")
    assert to_onnx(document).model.graph.node


def test_a_message_stays_short_whatever_the_document_names() -> None:
    with pytest.raises(MalformedPmmlError) as error:
        to_onnx(regression("", table=f'<NumericPredictor name="{"z" * 1_000_000}" coefficient="1"/>'))
    assert len(str(error.value)) < 2000


def test_a_cut_document_never_converts() -> None:
    document = regression("")
    for length in range(0, len(document) - 1, 7):
        with pytest.raises((MalformedPmmlError, UnsupportedPmmlError)):
            to_onnx(document[:length])


@pytest.mark.parametrize("name", ["label", "prediction", "constant_0", "Shape_0", "Add_1", "rows"])
def test_fields_may_have_the_names_of_tensors(name: str) -> None:
    document = regression("").replace(b'"x"', f'"{name}"'.encode())
    if name == "prediction":
        with pytest.raises(UnsupportedPmmlError, match="prediction"):
            to_onnx(document)
    else:
        assert [port.name for port in to_onnx(document).model.graph.input] == [name]
