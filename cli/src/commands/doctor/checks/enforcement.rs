//! Whether the API server really enforces the rule of the second person.

use super::super::{
    check::{Check, judge},
    facts::{DryRun, Facts},
};

const NAME: &str = "rule-enforced";

pub fn check(facts: &Facts) -> Vec<Check> {
    judge(NAME, &facts.dry_run, |result| {
        vec![match result {
            DryRun::Refused => {
                Check::ok(NAME, "the API server refuses to record an approval by its own requester (dry run)")
            }
            DryRun::Accepted => {
                Check::fail(NAME, "the API server accepts an approval by its own requester (dry run)")
                    .means("One person can promote alone. The operator makes the same test and promotes nothing meanwhile.")
                    .run(format!("kubectl get validatingadmissionpolicy,validatingadmissionpolicybinding {} -o yaml", facts.config.policy))
                    .run(super::restore::restore(facts))
            }
            DryRun::Other(why) => {
                Check::warn(NAME, format!("the dry run of a forbidden record failed for another reason: {why}"))
                    .means("The test does not show whether the rule is enforced. The operator sees the same answer and promotes nothing until it is the right one.")
                    .run(format!("kubectl -n {} logs deployment/{} --tail=50", facts.system, facts.config.operator))
            }
        }]
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::commands::doctor::{check::Level, fixtures::facts};

    #[rstest]
    #[case(DryRun::Refused, Level::Ok)]
    #[case(DryRun::Accepted, Level::Fail)]
    #[case(DryRun::Other("a webhook timed out".to_owned()), Level::Warn)]
    fn only_the_refusal_of_the_policy_shows_that_it_is_enforced(
        #[case] result: DryRun,
        #[case] level: Level,
    ) {
        let mut facts = facts();
        facts.dry_run = Ok(result);
        assert_eq!(check(&facts)[0].level, level);
    }
}
