//! A rule: a request that is described once, and what every form of it must be answered.

use super::{
    form::{Class, Form},
    request::{Request, Tensor},
};

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
