//! The stages of a model version and the steps between them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a model version is, or is asked to be.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Stage {
    /// Registered only: nothing of it runs.
    #[default]
    None,
    /// Runs beside main and can be called for tests.
    Staging,
    /// Is main: it answers the stable endpoint.
    Production,
    /// Out of use; the record stays.
    Archived,
}

impl Stage {
    /// All stages, in the order of a model's life.
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// The name as it stands in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// Whether pods of a version in this stage run.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }

    /// Whether the step `self -> to` exists at all. `was_in_production` opens the way back from the archive.
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

    /// Whether the step `self -> to` needs a second person: all but putting a staged version away.
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
    fn the_archive_opens_to_production_only_for_what_was_there_before() {
        assert!(Archived.may_become(Production, true));
        assert!(!Archived.may_become(Production, false));
    }

    #[test]
    fn only_putting_a_staged_version_away_needs_no_second_person() {
        for from in Stage::ALL {
            for to in Stage::ALL {
                assert_eq!(from.needs_approval(to), (from, to) != (Staging, Archived));
            }
        }
    }
}
