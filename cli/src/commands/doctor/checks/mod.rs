//! The checks: pure functions from facts to results, one file for each part of an installation.

mod crds;
mod enforcement;
mod guard;
mod leader;
mod lease;
mod models;
mod network;
mod operator;
mod policy;
mod restore;
mod rights;
mod versions;

use super::{check::Check, facts::Facts};

/// Every check, in the order in which a person on call wants to know the result: a problem often explains those below
/// it.
#[must_use]
pub fn all(facts: &Facts) -> Vec<Check> {
    let checks: [fn(&Facts) -> Vec<Check>; 11] = [
        versions::check,
        crds::check,
        policy::check,
        enforcement::check,
        guard::check,
        operator::check,
        rights::check,
        lease::check,
        leader::check,
        network::check,
        models::check,
    ];
    checks.iter().flat_map(|check| check(facts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::{check::Level, fixtures::facts};

    #[test]
    fn a_sound_installation_has_no_problem() {
        let problems: Vec<_> = all(&facts()).into_iter().filter(Check::is_problem).collect();
        assert_eq!(problems, []);
    }

    #[test]
    fn a_missing_right_is_named_and_is_not_a_problem() {
        let skipped: Vec<_> = all(&facts()).into_iter().filter(|c| c.level == Level::Skipped).collect();
        assert_eq!(skipped.len(), 1);
        assert_eq!(skipped[0].message, "you may not list daemonsets.apps in namespace kube-system");
    }
}
