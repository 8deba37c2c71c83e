//! The stages of a model version and the steps between them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stage of a model version.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Stage {
    /// Published only. It has no pods.
    #[default]
    None,
    /// Runs next to main, with a URL of its own for testers. It can be the challenger.
    Staging,
    /// Is main: it answers callers of the stable URL.
    Production,
    /// Out of use. It has no pods, and its record stays.
    Archived,
}

impl Stage {
    /// All stages, in the order in which a version reaches them.
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// Whether a version in this stage has pods.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }

    /// Whether the step `self -> to` exists. `was_in_production` allows the step from the archive to Production.
    #[must_use]
    pub const fn may_become(self, to: Self, was_in_production: bool) -> bool {
        match (self, to) {
            (Self::None | Self::Archived, Self::Staging)
            | (Self::Staging, Self::Production | Self::Archived)
            | (Self::Production, Self::Staging | Self::Archived) => true,
            (Self::Archived, Self::Production) => was_in_production,
            _ => false,
        }
    }

    /// Whether the step `self -> to` needs an approval: every step but Staging -> Archived.
    #[must_use]
    pub const fn needs_approval(self, to: Self) -> bool {
        !matches!((self, to), (Self::Staging, Self::Archived))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Stage::{self, Archived, None, Production, Staging};

    #[rstest]
    #[case(None, Staging, true)]
    #[case(None, Production, false)]
    #[case(None, Archived, false)]
    #[case(Staging, Production, true)]
    #[case(Staging, Archived, true)]
    #[case(Staging, None, false)]
    #[case(Production, Staging, true)]
    #[case(Production, Archived, true)]
    #[case(Production, None, false)]
    #[case(Archived, Staging, true)]
    #[case(Archived, Production, false)]
    fn only_the_documented_steps_exist(#[case] from: Stage, #[case] to: Stage, #[case] allowed: bool) {
        assert_eq!(from.may_become(to, false), allowed);
    }

    #[test]
    fn an_archived_version_returns_to_production_only_if_it_was_there_before() {
        assert!(Archived.may_become(Production, true));
        assert!(!Archived.may_become(Production, false));
    }

    #[test]
    fn every_step_but_archiving_a_staged_version_needs_an_approval() {
        for from in Stage::ALL {
            for to in Stage::ALL {
                assert_eq!(from.needs_approval(to), (from, to) != (Staging, Archived));
            }
        }
    }
}
