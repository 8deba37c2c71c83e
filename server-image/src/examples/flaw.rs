//! What can be wrong with an example.

use understudy_contract::{Failure, Reason};

/// What is wrong with an example.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The example itself is wrong, or it belongs to another model.
    Invalid(String),
    /// The model does not reproduce the answer.
    Differs(String),
}

impl Flaw {
    /// The failure of the pod, for the example in this line.
    pub(super) fn in_line(self, number: usize, uri: &str) -> Failure {
        let (reason, what) = match self {
            Self::Invalid(what) => (Reason::InvalidExamples, what),
            Self::Differs(what) => (Reason::ExamplesDiffer, what),
        };
        Failure::new(reason, format!("line {number} of {uri}: {what}"))
    }
}
