//! What a request names: a model, a version, inputs, outputs and datatypes.

use super::{
    form::{
        Class::{Invalid, NotFound, Unsupported},
        Form,
    },
    request::{Request, Tensor, tensor},
    rule::{
        Expected::{self, Answer, Message, Words},
        Rule,
    },
    values::singles,
};

/// `left - right` and `left * right`.
const MODEL: &str = "difference.onnx";

pub fn rules() -> Vec<Rule> {
    [models(), inputs(), outputs(), datatypes()].into_iter().flatten().collect()
}

fn left() -> Tensor {
    tensor("left", &[1, 2], "FP32", singles(&[10.0, 20.0]))
}

fn right() -> Tensor {
    tensor("right", &[1, 2], "FP32", singles(&[2.0, 3.0]))
}

fn difference() -> Tensor {
    tensor("difference", &[1, 2], "FP32", singles(&[8.0, 17.0]))
}

fn product() -> Tensor {
    tensor("product", &[1, 2], "FP32", singles(&[20.0, 60.0]))
}

fn rule(says: &'static str, request: Request, expected: Expected) -> Rule {
    Rule::new(says, MODEL, request, expected)
}

fn models() -> Vec<Rule> {
    let both = || Request::of(vec![left(), right()]);
    let asks = |model, version| Request { asks: (model, version), ..both() };
    let flawed = || Request { asks: ("froud", ""), ..Request::of(vec![Tensor { name: "up", ..left() }]) };
    let unknown = "unknown model `froud`; this server serves `fraud`";
    let version = "unknown version `1.2.0` of the model `fraud`; this server serves 1.3.0";
    vec![
        rule("a model has a name", asks("fraud", ""), Answer(vec![difference(), product()])),
        rule("and a version", asks("fraud", "1.3.0"), Answer(vec![difference(), product()])),
        rule("another model is not found", asks("froud", ""), Message(NotFound, unknown)),
        rule("another version is not found", asks("fraud", "1.2.0"), Message(NotFound, version)),
        rule("whatever is sent to another model, it is not found", flawed(), Message(NotFound, unknown)),
    ]
}

fn inputs() -> Vec<Rule> {
    let of = |inputs: &[Tensor]| Request::of(inputs.to_vec());
    let up = || Tensor { name: "up", ..left() };
    let shared = || Tensor { is_shared: true, ..left() };
    let missing = "input `right` is missing: FP32 [-1,2]";
    let unknown = "unknown input `up`; the model has `left`, `right`";
    let twice = "input `left` appears twice";
    vec![
        rule("inputs have any order", of(&[right(), left()]), Answer(vec![difference(), product()])),
        rule("no input is missing", of(&[left()]), Message(Invalid, missing)),
        rule("a request has inputs", of(&[]), Message(Invalid, "input `left` is missing: FP32 [-1,2]"))
            .over(&Form::ALL),
        rule("no input is unknown", of(&[left(), right(), up()]), Message(Invalid, unknown)),
        rule("no input takes the place of another", of(&[left(), up()]), Message(Invalid, unknown)),
        rule(
            "a name is not empty",
            of(&[Tensor { name: "", ..left() }]),
            Words(Invalid, &["unknown input ``"]),
        ),
        rule(
            "a name has its case",
            of(&[Tensor { name: "LEFT", ..left() }]),
            Words(Invalid, &["unknown input `LEFT`"]),
        ),
        rule("no input appears twice", of(&[left(), right(), left()]), Message(Invalid, twice)),
        rule(
            "shared memory is not supported",
            of(&[shared(), right()]),
            Message(Unsupported, "shared memory is not supported"),
        ),
    ]
}

fn outputs() -> Vec<Rule> {
    let wants = |outputs: &[&'static str]| Request {
        outputs: outputs.to_vec(),
        ..Request::of(vec![left(), right()])
    };
    let unknown = "unknown output `sum`; the model has `difference`, `product`";
    let nothing = Request { outputs: vec!["sum"], ..Request::of(vec![]) };
    vec![
        rule("only the requested outputs are sent", wants(&["product"]), Answer(vec![product()])),
        rule(
            "in the requested order",
            wants(&["product", "difference"]),
            Answer(vec![product(), difference()]),
        ),
        rule("no output is unknown", wants(&["product", "sum"]), Message(Invalid, unknown)),
        rule("an unknown output is found before a missing input", nothing, Message(Invalid, unknown)),
        rule(
            "no output is requested twice",
            wants(&["product", "product"]),
            Message(Invalid, "output `product` is requested twice"),
        ),
    ]
}

fn datatypes() -> Vec<Rule> {
    let declared = |datatype| Request::of(vec![Tensor { datatype, ..left() }, right()]);
    let other = "input `left` has the datatype FP64, the model expects FP32";
    let unknown = "input `left`: unknown datatype `FLOAT`; use one of BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, \
        INT64, FP16, BF16, FP32, FP64, BYTES";
    vec![
        rule("the datatype is the model's", declared("FP64"), Message(Invalid, other)),
        rule("a datatype has a name of the protocol", declared("FLOAT"), Message(Invalid, unknown)),
        rule("and its case", declared("fp32"), Words(Invalid, &["input `left`: unknown datatype `fp32`"])),
        rule("it is not absent", declared(""), Words(Invalid, &["input `left`: unknown datatype ``"])),
    ]
}
