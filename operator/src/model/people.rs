//! Who writes, and what they may do.

use serde::{Deserialize, Serialize};

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Who {
    /// The operator itself.
    Operator,
    /// May edit the namespace, which includes the right to request. So does the next one.
    Alice,
    Rita,
    /// May approve and roll back, and has the right to request, too.
    Bob,
    /// May approve and roll back. So does the next one.
    Ben,
    Bea,
    /// A service account that may edit and request.
    Robot,
    /// May give verdicts.
    Tess,
    /// Governs: may change rules, and delete what is in Production.
    Gina,
}

/// A verb that the approval policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Edit,
    Request,
    Approve,
    Test,
    RollBack,
    Govern,
    DeleteProduction,
}

impl Who {
    /// The name in annotations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "understudy-operator",
            Self::Alice => "alice",
            Self::Rita => "rita",
            Self::Bob => "bob",
            Self::Ben => "ben",
            Self::Bea => "bea",
            Self::Robot => "system:serviceaccount:risk:ci",
            Self::Tess => "tess",
            Self::Gina => "gina",
        }
    }

    /// Whether the person has this right.
    pub const fn may(self, verb: Verb) -> bool {
        match verb {
            Verb::Edit | Verb::Request => matches!(self, Self::Alice | Self::Rita | Self::Bob | Self::Robot),
            Verb::Approve | Verb::RollBack => matches!(self, Self::Bob | Self::Ben | Self::Bea),
            Verb::Test => matches!(self, Self::Tess),
            Verb::Govern | Verb::DeleteProduction => matches!(self, Self::Gina),
        }
    }
}
