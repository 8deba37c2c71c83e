//! The examples that a model has reproduced, and those of them that people see.

use serde_json::Value;

use super::line::Line;
use crate::api::Api;

/// Examples that people see: the first of each API that are small enough.
const SHOWN: usize = 3;
/// Largest example in bytes that people see. A longer one is not readable.
const MAX_SHOWN: usize = 16 << 10;

/// The examples that the model has reproduced. Empty for a version without examples.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Examples {
    count: u64,
    shown: Vec<Shown>,
}

/// One example, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Where the request is sent: [`Api::Infer`] or [`Api::Predict`].
    pub api: Api,
    /// The request.
    pub request: Value,
    /// The expected answer.
    pub response: Value,
}

impl Examples {
    /// The number of examples in the file.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Examples for people: the first ones of each API that are small, at most three.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// Adds an example that the model has reproduced.
    pub(super) fn add(&mut self, line: &Line<'_>) {
        self.count += 1;
        let same = self.shown.iter().filter(|shown| shown.api == line.api).count();
        if same >= SHOWN || line.request.len() + line.response.len() > MAX_SHOWN {
            return;
        }
        // The model has been compared with this very text, so it is JSON.
        let parsed = |text| serde_json::from_slice(text).ok();
        if let (Some(request), Some(response)) = (parsed(line.request), parsed(line.response)) {
            self.shown.push(Shown { api: line.api, request, response });
        }
    }
}
