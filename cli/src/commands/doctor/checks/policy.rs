//! Whether the admission policies on the API server are those that the chart installed.

use serde_json::Value;

use super::{
    super::{
        check::{Check, judge, unseen},
        difference::{Change, differences},
        facts::Facts,
        seen::Seen,
    },
    restore::{policy, restore},
};

const POLICY: &str = "approval-policy";
const BINDING: &str = "approval-binding";
const STAMP: &str = "stamp-policy";
const MEANING: &str = "Without it, one person could promote alone. The operator notices that and promotes nothing. \
                       Models that serve continue to serve. Read \"After a time without the policy\" in docs/operations.md before you restore it.";

pub fn check(facts: &Facts) -> Vec<Check> {
    let approval = one(facts, POLICY, "ValidatingAdmissionPolicy", "policy.json", &facts.policy);
    let binding = one(facts, BINDING, "ValidatingAdmissionPolicyBinding", "binding.json", &facts.binding);
    let mut checks = vec![approval, binding];
    if facts.config.stamps {
        checks.extend(judge(STAMP, &facts.stamp, |(policy, binding)| {
            vec![stamp(facts, policy.is_some(), binding.is_some())]
        }));
    }
    checks
}

fn one(facts: &Facts, name: &'static str, kind: &str, file: &str, seen: &Seen<Option<Value>>) -> Check {
    let object = format!("{kind} {}", facts.config.policy);
    let found = match seen {
        Err(blind) => return unseen(name, blind),
        Ok(None) => {
            let missing = Check::fail(name, format!("{object} does not exist")).means(MEANING);
            return policy(facts).into_iter().fold(missing, Check::run);
        }
        Ok(Some(found)) => found,
    };
    let reference = match &facts.reference {
        Err(blind) => return unseen(name, blind),
        Ok(None) => {
            return Check::fail(name, format!("ConfigMap {}-policy does not exist", facts.config.fullname))
                .means("The operator compares the policy with it, and does not start without it.")
                .run(restore(facts));
        }
        Ok(Some(reference)) => reference,
    };
    let text = reference["data"][file].as_str().unwrap_or_default();
    let Ok(expected) = serde_json::from_str::<Value>(text) else {
        return Check::fail(name, format!("ConfigMap {}-policy has no valid {file}", facts.config.fullname))
            .means("The operator compares the policy with it, and does not start without it.")
            .run(restore(facts));
    };
    if let Some(weak) = weakness(file, &expected) {
        return Check::fail(name, format!("ConfigMap {}-policy was changed: {weak}", facts.config.fullname))
            .means(MEANING)
            .run(restore(facts));
    }
    let differences = differences(&expected, &found["spec"], |_, _| false);
    let Some(first) = differences.first() else {
        return Check::ok(name, format!("{object} is as the chart installed it"));
    };
    let how = match first.change {
        Change::Missing => "removed",
        Change::Added => "added",
        Change::Changed => "changed",
    };
    let more = match differences.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Check::fail(
        name,
        format!("{object} differs from what the chart installed: spec{} was {how}{more}", first.path),
    )
    .means(MEANING)
    .run(format!("kubectl get {} {} -o yaml", kind.to_lowercase(), facts.config.policy))
    .run(restore(facts))
}

/// What no version of the chart renders.
fn weakness(file: &str, expected: &Value) -> Option<&'static str> {
    let denies = expected["validationActions"].as_array().is_some_and(|all| all.iter().any(|a| a == "Deny"));
    match file {
        "policy.json" if expected["failurePolicy"] != "Fail" => Some("failurePolicy is not Fail"),
        "binding.json" if !denies => Some("validationActions has no Deny"),
        _ => None,
    }
}

fn stamp(facts: &Facts, policy: bool, binding: bool) -> Check {
    let name = format!("{}-stamp", facts.config.fullname);
    let missing = match (policy, binding) {
        (true, true) => {
            return Check::ok(STAMP, format!("MutatingAdmissionPolicy {name} and its binding exist"));
        }
        (false, _) => format!("MutatingAdmissionPolicy {name} does not exist"),
        (true, false) => format!("MutatingAdmissionPolicyBinding {name} does not exist"),
    };
    Check::fail(STAMP, missing)
        .means("The API server does not write the name of the person who acts. Requests and approvals without a name are refused until people write their own names.")
        .run(restore(facts))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{
        check::Level,
        fixtures::{BINDING as WANTED, POLICY as TEXT, facts},
    };

    #[rstest]
    #[case::deleted(None, "does not exist")]
    #[case::ignores_failures(Some(json!({"spec": {"failurePolicy": "Ignore", "validations": [{"expression": "a"}]}})), "spec.failurePolicy was changed")]
    #[case::a_condition(Some(json!({"spec": {"failurePolicy": "Fail", "validations": [{"expression": "a"}], "matchConditions": [{"expression": "false"}]}})), "spec.matchConditions was added")]
    #[case::emptied(Some(json!({"spec": {"failurePolicy": "Fail"}})), "spec.validations was removed")]
    fn a_changed_policy_is_found(#[case] policy: Option<Value>, #[case] words: &str) {
        let mut facts = facts();
        facts.policy = Ok(policy);
        let found = &check(&facts)[0];
        assert_eq!(found.level, Level::Fail);
        assert!(found.message.contains(words), "{}", found.message);
        assert!(
            found.commands.iter().any(|c| c.starts_with("helm get manifest understudy -n understudy-system"))
        );
    }

    #[test]
    fn a_policy_that_is_not_part_of_the_release_is_installed_by_its_own_command() {
        let mut facts = facts();
        facts.policy = Ok(None);
        facts.config.watched = vec!["risk".to_owned()];
        let found = &check(&facts)[0];
        assert_eq!(found.commands.len(), 1);
        assert!(found.commands[0].contains("--set policies.install=true"), "{found:?}");
    }

    #[test]
    fn a_binding_that_only_audits_is_found() {
        let mut facts = facts();
        facts.binding =
            Ok(Some(json!({"spec": {"policyName": "understudy-approval", "validationActions": ["Audit"]}})));
        let found = &check(&facts)[1];
        assert_eq!((found.name, found.level), (BINDING, Level::Fail));
    }

    #[test]
    fn a_reference_that_was_weakened_together_with_the_binding_is_found() {
        let mut facts = facts();
        let weak = WANTED.replace("Deny", "Warn");
        facts.reference = Ok(Some(json!({"data": {"policy.json": TEXT, "binding.json": weak}})));
        facts.binding = Ok(Some(json!({"spec": serde_json::from_str::<Value>(&weak).unwrap()})));
        assert!(check(&facts)[1].message.contains("validationActions has no Deny"));
    }

    #[test]
    fn a_missing_stamp_is_a_problem_only_if_the_chart_installed_one() {
        let mut facts = facts();
        facts.stamp = Ok((Some(json!({})), None));
        assert_eq!(check(&facts)[2].level, Level::Fail);
        facts.config.stamps = false;
        assert_eq!(check(&facts).len(), 2);
    }
}
