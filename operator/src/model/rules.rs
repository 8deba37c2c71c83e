//! Rules of the policies that a trace may leave out: the operator must withstand what they refuse.

use serde::{Deserialize, Serialize};

/// Which rules are in force. All others of the approval policy always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// To delete a version with an approved transition that is not settled needs the verb `delete-production`.
    pub unsettled: bool,
    /// Only the author, or somebody with the same verb, takes back an approval, a rejection or a rollback.
    pub authors: bool,
    /// Only the operator changes objects with its labels.
    pub guard: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { unsettled: true, authors: true, guard: true }
    }
}
