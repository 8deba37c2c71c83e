//! When something about a column is worth a name: the rules of a deployment, and what is already known.

use crate::{bins::distance_of, issue::IssueKind, real::real};

/// What is known continues down to this fraction of the distance from which it begins, which is three quarters of its PSI. So a
/// distance close to the limit does not raise and clear an alert every half minute.
pub(crate) const ENDS_AT: f64 = 0.866;

/// False alarms are promised for a month of this length, in seconds.
const MONTH: f64 = 30.0 * 86_400.0;
/// How often a window is looked at while it moves by its own length: once for each of its parts. Between two of them it hardly
/// changes.
const LOOKS: f64 = 12.0;
/// Tests of a column: distribution, missing values, range or categories, and type.
const TESTS: f64 = 4.0;

/// When a column counts as drifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// Rows in the window from which a column is judged. One that drifts or has an issue is judged down to half of it.
    pub min_samples: u64,
    /// The population stability index from which a change matters. A small change has a squared Jensen-Shannon distance of
    /// PSI / (8 ln 2), which is compared: rare bins do not make it infinite.
    pub psi: f64,
    /// How many false alarms a column may have in 30 days, on average.
    pub false_alarms: f64,
}

/// What is known of a column from the last look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'k> {
    /// Whether it drifts.
    pub drifts: bool,
    /// Its issues.
    pub issues: &'k [IssueKind],
}

impl Rules {
    /// The probability with which a test may be wrong at one look.
    pub(crate) fn alpha(&self) -> f64 {
        let windows = (MONTH / real(self.window_seconds.max(1))).max(1.0);
        (self.false_alarms / (windows * LOOKS * TESTS)).clamp(1e-12, 0.01)
    }

    /// The Jensen-Shannon distance from which a change matters.
    pub(crate) fn min_distance(&self) -> f64 {
        distance_of(self.psi)
    }

    /// The rules for something that is known. The square root of a probability is the tail at about 0.7 of the
    /// distance.
    pub(crate) fn for_known(self, known: bool) -> (Self, f64) {
        let alpha = self.alpha();
        if known {
            (Self { psi: ENDS_AT * ENDS_AT * self.psi, ..self }, alpha.sqrt().min(0.01))
        } else {
            (self, alpha)
        }
    }
}
