//! Whether the operator's service account has every right of the chart.

use std::collections::BTreeSet;

use super::{
    super::{
        check::{Check, judge},
        facts::Facts,
    },
    restore::restore,
};

const NAME: &str = "operator-rights";
/// Rights in one message.
const SHOWN: usize = 4;

pub fn check(facts: &Facts) -> Vec<Check> {
    judge(NAME, &facts.missing_rights, |missing| {
        if missing.is_empty() {
            return vec![Check::ok(
                NAME,
                format!(
                    "the service account {}/{} has every right of the chart",
                    facts.system, facts.config.account
                ),
            )];
        }
        let texts: Vec<String> = missing.iter().take(SHOWN).map(super::super::rights::Need::text).collect();
        let more = match missing.len() - texts.len() {
            0 => String::new(),
            n => format!(" and {n} more rights"),
        };
        let resources: BTreeSet<&str> = missing.iter().map(|n| n.resource.as_str()).collect();
        let resources: Vec<&str> = resources.into_iter().collect();
        vec![
            Check::fail(NAME, format!("the operator may not {}{more}", texts.join(", ")))
                .means(format!(
                    "The operator works on all of its kinds or on none: it waits until it can watch {}.",
                    resources.join(", ")
                ))
                .run(restore(facts))
                .run(format!(
                    "kubectl auth can-i --list --as=system:serviceaccount:{}:{}",
                    facts.system, facts.config.account
                )),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::{
        check::Level,
        fixtures::{config, facts},
        rights::needs,
    };

    #[test]
    fn a_removed_rule_is_named_right_by_right() {
        let mut facts = facts();
        let lost =
            needs(&config(), "system").into_iter().filter(|n| n.resource == "poddisruptionbudgets").collect();
        facts.missing_rights = Ok(lost);
        let found = &check(&facts)[0];
        assert_eq!(found.level, Level::Fail);
        assert!(
            found
                .message
                .contains("may not get poddisruptionbudgets.policy, list poddisruptionbudgets.policy"),
            "{}",
            found.message
        );
        assert!(found.message.ends_with("and 2 more rights"), "{}", found.message);
    }
}
