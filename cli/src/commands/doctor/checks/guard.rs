//! Whether the guard around the objects of models is installed, as the chart has it.

use super::{
    super::{
        check::{Check, judge},
        difference::differences,
        facts::{Facts, GuardPart},
    },
    restore::{guard, restore},
};

const NAME: &str = "guard";
const MEANING: &str = "Whoever may edit Deployments, Services, ConfigMaps or pods of a namespace can change those of its models. \
                       The operator puts them back.";

pub fn check(facts: &Facts) -> Vec<Check> {
    judge(NAME, &facts.guard, |parts| {
        vec![match parts {
            None => {
                Check::warn(NAME, "the chart was installed without the guard (guard.enabled)").means(MEANING)
            }
            Some(parts) => match parts.iter().find_map(problem) {
                None => Check::ok(
                    NAME,
                    format!("{} policies and bindings are as the chart installed them", parts.len()),
                ),
                Some(problem) => {
                    let failed = Check::fail(NAME, problem).means(MEANING).run(restore(facts));
                    guard(facts).into_iter().fold(failed, Check::run)
                }
            },
        }]
    })
}

fn problem(part: &GuardPart) -> Option<String> {
    let object = format!("{} {}", part.kind, part.name);
    let Some(found) = &part.found else { return Some(format!("{object} does not exist")) };
    let differences = differences(&part.wanted, &found["spec"], |_, _| false);
    differences
        .first()
        .map(|first| format!("{object} differs from what the chart installed at spec{}", first.path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{check::Level, fixtures::facts};

    #[test]
    fn a_deleted_binding_is_found() {
        let mut facts = facts();
        facts.guard.as_mut().unwrap().as_mut().unwrap()[1].found = None;
        let found = &check(&facts)[0];
        assert_eq!(found.level, Level::Fail);
        assert_eq!(found.message, "ValidatingAdmissionPolicyBinding understudy-guard does not exist");
    }

    #[test]
    fn a_weakened_policy_is_found() {
        let mut facts = facts();
        let part = &mut facts.guard.as_mut().unwrap().as_mut().unwrap()[0];
        part.found = Some(json!({"spec": {"failurePolicy": "Ignore"}}));
        let found = &check(&facts)[0];
        assert_eq!(found.level, Level::Fail);
        assert!(found.message.ends_with("at spec.failurePolicy"), "{}", found.message);
    }

    #[test]
    fn a_chart_without_the_guard_gets_a_warning() {
        let mut facts = facts();
        facts.guard = Ok(None);
        assert_eq!(check(&facts)[0].level, Level::Warn);
    }
}
