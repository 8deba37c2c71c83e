//! A rule: a request that is described once, and what every form of it must be answered.

use super::{form::Form, values::Values};

/// One row of a table.
#[derive(Debug)]
pub struct Rule {
    pub says: &'static str,
    /// The file of the served model.
    pub model: &'static str,
    pub request: Request,
    /// The forms that can express the request.
    pub forms: &'static [Form],
    pub expected: Expected,
}

/// A request, whatever its form.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name and version of the model, as the caller knows them.
    pub asks: (&'static str, &'static str),
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<&'static str>,
}

/// A tensor, as the caller describes it.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: &'static str,
    pub shape: Vec<i64>,
    pub datatype: &'static str,
    pub values: Values,
    /// Whether the caller says that it is in shared memory.
    pub is_shared: bool,
}

/// What is expected in each form.
#[derive(Debug)]
pub enum Expected {
    /// These outputs.
    Answer(Vec<Tensor>),
    /// A refusal with the very same message.
    Message(Class, &'static str),
    /// A refusal whose message has these words. Each form adds what only it knows, such as a position.
    Words(Class, &'static [&'static str]),
}

/// A class of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Invalid,
    NotFound,
    TooLarge,
    Unsupported,
}

pub fn tensor(name: &'static str, shape: &[i64], datatype: &'static str, values: Values) -> Tensor {
    Tensor { name, shape: shape.to_vec(), datatype, values, is_shared: false }
}

impl Request {
    pub fn of(inputs: Vec<Tensor>) -> Self {
        Self { asks: ("fraud", ""), inputs, outputs: vec![] }
    }
}

impl Rule {
    /// The model answers with its only input.
    pub fn same(says: &'static str, model: &'static str, input: Tensor) -> Self {
        let output = Tensor { name: "y", ..input.clone() };
        Self::new(says, model, Request::of(vec![input]), Expected::Answer(vec![output]))
    }

    /// A rule of all forms.
    pub fn new(says: &'static str, model: &'static str, request: Request, expected: Expected) -> Self {
        Self { says, model, request, forms: &Form::ALL, expected }
    }

    /// A rule that only these forms can keep or break.
    pub fn over(self, forms: &'static [Form]) -> Self {
        Self { forms, ..self }
    }
}
