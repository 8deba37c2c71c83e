//! Which shapes a tensor may have.

use super::{
    form::{
        Class::{Invalid, TooLarge},
        Form,
    },
    request::{Request, tensor},
    rule::{
        Expected::{self, Answer, Message, Words},
        Rule,
    },
    values::{Values, singles, texts},
};

/// Any number of rows with three numbers.
const MATRIX: &str = "matrix.onnx";
const ANY: &str = "any_shape.onnx";

pub fn rules() -> Vec<Rule> {
    [good(), misfits(), counts(), nesting(), sizes()].into_iter().flatten().collect()
}

fn zeros(count: usize) -> Values {
    singles(&vec![0.0; count])
}

fn refused(
    says: &'static str,
    model: &'static str,
    shape: &[i64],
    values: Values,
    expected: Expected,
) -> Rule {
    Rule::new(says, model, Request::of(vec![tensor("x", shape, "FP32", values)]), expected)
}

fn good() -> Vec<Rule> {
    let kept =
        |says, model, shape: &[i64], values| Rule::same(says, model, tensor("x", shape, "FP32", values));
    let six = || singles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let nested = Request::of(vec![tensor("x", &[2, 3], "FP32", Values::Json("[[1,2,3],[4,5,6]]"))]);
    let bare = Request::of(vec![tensor("x", &[], "FP32", Values::Json("7.5"))]);
    let many = vec![1; 32];
    vec![
        kept("rows are in their order", MATRIX, &[2, 3], six()),
        kept("a tensor may be empty", MATRIX, &[0, 3], zeros(0)),
        Rule::same(
            "there may be no string",
            "identity/BYTES.onnx",
            tensor("x", &[0], "BYTES", texts::<&str>(&[])),
        ),
        kept("a scalar has no dimension", "scalar.onnx", &[], singles(&[7.5])),
        kept("any shape fits a model that declares none", ANY, &[1, 3, 1, 2], six()),
        kept("an empty dimension hides the others", ANY, &[4, 0, 2], zeros(0)),
        kept("a tensor has up to 32 dimensions", ANY, &many, singles(&[7.5])),
        Rule::new(
            "data may be nested like the shape",
            MATRIX,
            nested,
            Answer(vec![tensor("y", &[2, 3], "FP32", six())]),
        )
        .over(&Form::OF_JSON),
        Rule::new(
            "a scalar needs no list",
            "scalar.onnx",
            bare,
            Answer(vec![tensor("y", &[], "FP32", singles(&[7.5]))]),
        )
        .over(&Form::OF_JSON),
    ]
}

/// Shapes that do not fit the model, or that no tensor has.
fn misfits() -> Vec<Rule> {
    let misfit = |says, model, shape: &[i64], count, message| {
        refused(says, model, shape, zeros(count), Message(Invalid, message))
    };
    let many = vec![1; 33];
    vec![
        misfit(
            "the rank is the model's",
            MATRIX,
            &[3],
            3,
            "input `x` has the shape [3], the model expects [-1,3]",
        ),
        misfit(
            "the rank is not larger, either",
            MATRIX,
            &[1, 1, 3],
            3,
            "input `x` has the shape [1,1,3], the model expects [-1,3]",
        ),
        misfit(
            "a matrix is no scalar",
            MATRIX,
            &[],
            1,
            "input `x` has the shape [], the model expects [-1,3]",
        ),
        misfit(
            "a scalar is no vector",
            "scalar.onnx",
            &[1],
            1,
            "input `x` has the shape [1], the model expects []",
        ),
        misfit(
            "a fixed dimension is the model's",
            MATRIX,
            &[1, 4],
            4,
            "input `x` has the shape [1,4], the model expects [-1,3]",
        ),
        misfit(
            "a fixed dimension is not empty",
            MATRIX,
            &[1, 0],
            0,
            "input `x` has the shape [1,0], the model expects [-1,3]",
        ),
        misfit(
            "-1 stands for a dimension of the model, not of a tensor",
            MATRIX,
            &[-1, 3],
            3,
            "input `x` has the shape [-1,3], the model expects [-1,3]",
        ),
        misfit(
            "no dimension is negative",
            ANY,
            &[-2, -3],
            6,
            "input `x` has the shape [-2,-3], the model expects any shape",
        ),
        misfit(
            "the smallest integer is no dimension",
            ANY,
            &[i64::MIN],
            0,
            "input `x` has the shape [-9223372036854775808], the model expects any shape",
        ),
        misfit(
            "a product beyond 64 bits is refused, not wrapped",
            ANY,
            &[1 << 32, 1 << 32, 2],
            0,
            "input `x` has the shape [4294967296,4294967296,2], the model expects any shape",
        ),
        refused(
            "a tensor has at most 32 dimensions",
            ANY,
            &many,
            zeros(1),
            Words(Invalid, &["a tensor has at most 32 dimensions"]),
        ),
    ]
}

/// Elements and the shape must agree.
fn counts() -> Vec<Rule> {
    let count = |says, model, shape: &[i64], count, words: &'static [&'static str]| {
        refused(says, model, shape, zeros(count), Words(Invalid, words))
    };
    let bytes = |says, shape: &[i64], length, message| {
        refused(says, MATRIX, shape, Values::Blob(vec![0; length]), Message(Invalid, message))
            .over(&Form::OF_BYTES)
    };
    let strings = |says, shape: &[i64], values, words: &'static [&'static str]| {
        let request = Request::of(vec![tensor("x", shape, "BYTES", values)]);
        Rule::new(says, "identity/BYTES.onnx", request, Words(Invalid, words))
    };
    vec![
        count("no element is missing", MATRIX, &[2, 3], 5, &["input `x`: ", "6 elements"]),
        count("no element is left", MATRIX, &[1, 3], 4, &["input `x`: ", "3 elements"]),
        count("a scalar is one element", "scalar.onnx", &[], 2, &["input `x`: ", "1 elements"]),
        count("a scalar is not empty", "scalar.onnx", &[], 0, &["input `x`: ", "1 elements"]),
        count("an empty tensor has no element", MATRIX, &[0, 3], 3, &["input `x`: ", "0 elements"]),
        count(
            "a huge dimension needs as many elements",
            MATRIX,
            &[1 << 60, 3],
            3,
            &["input `x`: ", "3458764513820540928 elements"],
        ),
        count(
            "more bytes than there are numbers for",
            ANY,
            &[i64::MAX],
            1,
            &["9223372036854775807 elements"],
        ),
        strings(
            "no string is missing",
            &[3],
            texts(&["a", "b"]),
            &["input `x`: ", "needs 3 elements, found 2"],
        ),
        strings("no string is left", &[1], texts(&["a", "b"]), &["input `x`: ", "needs 1 elements, found"]),
        strings(
            "an empty tensor has no string",
            &[0],
            texts(&["a"]),
            &["input `x`: ", "needs 0 elements, found"],
        ),
        bytes(
            "the bytes are those of all elements",
            &[1, 3],
            11,
            "input `x`: 3 elements of FP32 are 4 bytes each, found 11 bytes",
        ),
        bytes(
            "no byte follows the last element",
            &[1, 3],
            13,
            "input `x`: 3 elements of FP32 are 4 bytes each, found 13 bytes",
        ),
    ]
}

/// Only JSON has lists in lists.
fn nesting() -> Vec<Rule> {
    let nested = |says, model, shape: &[i64], data, words: &'static [&'static str]| {
        refused(says, model, shape, Values::Json(data), Words(Invalid, words)).over(&Form::OF_JSON)
    };
    vec![
        nested(
            "data is nested like its shape",
            MATRIX,
            &[2, 3],
            "[[1,2],[3,4],[5,6]]",
            &["input `x`", "nested as [3,2]"],
        ),
        nested(
            "all lists have the same length",
            MATRIX,
            &[2, 3],
            "[[1,2,3],[4,5]]",
            &["input `x`", "same length"],
        ),
        nested(
            "all lists have the same depth",
            MATRIX,
            &[1, 3],
            "[1,[2],3]",
            &["input `x`", "same length and depth"],
        ),
        nested(
            "an empty list beside an element is ragged",
            MATRIX,
            &[1, 3],
            "[[],1,2,3]",
            &["input `x`", "same length"],
        ),
        nested("data is no object", MATRIX, &[1, 3], r#"{"0":1}"#, &["input `x`"]),
        nested("data is not absent", MATRIX, &[1, 3], "null", &["input `x`"]),
    ]
}

/// Requests that are larger than the server takes.
fn sizes() -> Vec<Rule> {
    let many = 3 * (2 << 20);
    vec![refused(
        "a request is not larger than the server allows",
        MATRIX,
        &[2 << 20, 3],
        zeros(many),
        Words(TooLarge, &["the request body is larger than 16777216 bytes"]),
    )]
}
