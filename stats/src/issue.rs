//! What may be wrong with the values of a column.

use serde::{Deserialize, Serialize};

/// Something that is wrong with the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IssueKind {
    /// More rows, or fewer, are without a value than in the training data.
    Missing,
    /// Values are of another type than in the training data.
    WrongType,
    /// Numbers are beyond those of the training data, and the others have not changed.
    OutOfRange,
    /// The training data do not have these categories.
    NewCategory,
    /// All values are the same.
    Constant,
    /// Mean and deviation are larger or smaller by the same factor, as after a change of the unit.
    Scaled,
}

impl IssueKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Missing, Self::WrongType, Self::OutOfRange, Self::NewCategory, Self::Constant, Self::Scaled];

    /// The value of the label `issue` in metrics, and the reason in conditions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::WrongType => "WrongType",
            Self::OutOfRange => "OutOfRange",
            Self::NewCategory => "NewCategory",
            Self::Constant => "Constant",
            Self::Scaled => "Scaled",
        }
    }
}

/// An issue of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// What is wrong.
    pub kind: IssueKind,
    /// The proportion of the rows or values with the issue. 1 for a constant and for another unit.
    pub share: f64,
    /// The rest of a sentence that begins with the name of the column.
    pub says: String,
}
