//! The state of a policy, and how the findings of checks change it. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::reference::Installed;
use crate::reasons;

/// A state that could not be confirmed for this long, by at least [`FAILURES`] checks, is not known any more.
const CONFIRMED_FOR: Duration = Duration::from_mins(1);
/// Failed checks in a row before a state is not known any more.
const FAILURES: u32 = 3;

/// Whether the API server enforces a policy. `name` is the policy in sentences: `the approval policy`.
#[derive(Clone, Debug, PartialEq)]
pub struct Enforcement {
    /// Whether the policy is enforced.
    pub active: bool,
    /// Why, for people. The text of a state does not vary with the details of an error.
    pub message: String,
    /// The policy, if the operator may read it.
    pub installed: Option<Installed>,
    /// Whether this process has found out anything yet. Before that, the condition that an earlier process wrote stays.
    pub checked: bool,
    reason: reasons::Policy,
}

impl Enforcement {
    /// Before the first check.
    pub fn not_checked_yet() -> Self {
        Self { checked: false, ..Self::new(reasons::Policy::NotTried, "not checked yet", None) }
    }

    /// The policy is in force.
    pub fn active(name: &str, installed: Option<Installed>) -> Self {
        Self::new(reasons::Policy::Enforced, &format!("the API server enforces {name}"), installed)
    }

    /// The chart was installed without the policy.
    pub fn off(name: &str) -> Self {
        let message = format!("the chart was installed without {name}");
        Self::new(reasons::Policy::GuardOff, &message, None)
    }

    /// The policy is not in force.
    pub fn broken(message: &str) -> Self {
        Self::new(reasons::Policy::NotEnforced, message, None)
    }

    /// Nothing exists with which the policy could be tried: no object of the kind `witness`.
    pub fn not_tried(name: &str, witness: &str) -> Self {
        Self::new(reasons::Policy::NotTried, &format!("no {witness} exists to try {name} with"), None)
    }

    /// The API server did not answer the check.
    pub fn not_checked(name: &str) -> Self {
        let message = format!("the API server does not answer the check of {name}; the operator tries again");
        Self::new(reasons::Policy::NotChecked, &message, None)
    }

    fn new(reason: reasons::Policy, message: &str, installed: Option<Installed>) -> Self {
        let active = reason == reasons::Policy::Enforced;
        Self { active, message: message.to_owned(), installed, checked: true, reason }
    }

    /// The reason in conditions.
    pub fn reason(&self) -> reasons::Policy {
        self.reason
    }
}

/// What one check found out.
#[derive(Debug)]
pub enum Finding {
    /// The state. If the API server answered only one of the two checks, the explanation may not be `complete`: the other
    /// check may explain the same state differently. `detail` is for the log.
    State { state: Enforcement, complete: bool, detail: Option<String> },
    /// The API server did not answer. The text is for the log.
    Unanswered(String),
}

impl Finding {
    /// The state by which a decision is made: without an answer, the policy does not count as enforced.
    pub fn state(&self, name: &str) -> Enforcement {
        match self {
            Self::State { state, .. } => state.clone(),
            Self::Unanswered(_) => Enforcement::not_checked(name),
        }
    }
}

/// Failed checks in a row.
#[derive(Debug, Default)]
pub struct Failures {
    count: u32,
    since: Option<Instant>,
}

impl Failures {
    /// Whether only one check has failed since the last success.
    pub fn is_first(&self) -> bool {
        self.count == 1
    }

    /// Updates `state` by a finding. Returns whether `active` or the reason has changed.
    pub fn settle(&mut self, name: &str, state: &mut Enforcement, finding: &Finding, now: Instant) -> bool {
        match finding {
            Finding::State { state: found, complete, .. } => {
                *self = Self::default();
                let changed = !state.checked || state.reason != found.reason;
                // Another explanation of the same state wakes nobody. Passes that happen anyway write it.
                if changed || *complete {
                    state.clone_from(found);
                }
                changed
            }
            Finding::Unanswered(_) => {
                self.count = self.count.saturating_add(1);
                let since = *self.since.get_or_insert(now);
                let lost = self.count >= FAILURES && now.duration_since(since) >= CONFIRMED_FOR;
                let changed = lost && state.reason != reasons::Policy::NotChecked;
                if changed {
                    *state = Enforcement::not_checked(name);
                }
                changed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn state(state: Enforcement) -> Finding {
        Finding::State { state, complete: true, detail: None }
    }

    fn unanswered() -> Finding {
        Finding::Unanswered("connection refused".to_owned())
    }

    /// The reasons that are published while these findings come in, each some seconds after the first.
    fn published(findings: &[(u64, Finding)]) -> Vec<reasons::Policy> {
        let (mut current, mut failures) = (Enforcement::not_checked_yet(), Failures::default());
        let start = Instant::now();
        let mut reasons = vec![];
        for (seconds, finding) in findings {
            if failures.settle("the policy", &mut current, finding, start + Duration::from_secs(*seconds)) {
                reasons.push(current.reason());
            }
        }
        reasons
    }

    #[test]
    fn a_state_that_cannot_be_confirmed_for_a_minute_is_published_as_not_checked_once() {
        let findings = [
            (0, state(Enforcement::active("the policy", None))),
            (10, unanswered()),
            (20, unanswered()),
            (69, unanswered()),
            (70, unanswered()),
            (80, unanswered()),
            (90, state(Enforcement::active("the policy", None))),
        ];
        let expected = [reasons::Policy::Enforced, reasons::Policy::NotChecked, reasons::Policy::Enforced];
        assert_eq!(published(&findings), expected);
    }

    #[test]
    fn two_failures_do_not_make_a_state_unknown_however_far_apart_they_are() {
        let findings =
            [(0, state(Enforcement::active("the policy", None))), (10, unanswered()), (86_400, unanswered())];
        assert_eq!(published(&findings), [reasons::Policy::Enforced]);
    }

    #[test]
    fn a_success_begins_anew() {
        let findings = [
            (0, state(Enforcement::active("the policy", None))),
            (10, unanswered()),
            (20, unanswered()),
            (60, state(Enforcement::active("the policy", None))),
            (70, unanswered()),
            (80, unanswered()),
        ];
        assert_eq!(published(&findings), [reasons::Policy::Enforced]);
    }

    #[test]
    fn the_first_state_is_published_even_if_it_is_that_nothing_could_be_tried() {
        assert_eq!(
            published(&[(0, state(Enforcement::not_tried("the policy", "ModelVersion")))]),
            [reasons::Policy::NotTried]
        );
    }

    #[rstest]
    #[case::by_both_checks(true, "changed at spec.b")]
    #[case::by_one_check(false, "changed at spec.a")]
    fn another_explanation_of_a_broken_policy_is_kept_without_waking_anybody(
        #[case] complete: bool,
        #[case] message: &str,
    ) {
        let (mut current, mut failures) = (Enforcement::broken("changed at spec.a"), Failures::default());
        let finding =
            Finding::State { state: Enforcement::broken("changed at spec.b"), complete, detail: None };
        assert!(!failures.settle("the policy", &mut current, &finding, Instant::now()));
        assert_eq!(current.message, message);
    }
}
