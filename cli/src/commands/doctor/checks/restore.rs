//! The commands that repair what the chart installed.

use super::super::facts::Facts;

/// The command that installs the objects of the chart again, as the release had them.
pub fn restore(facts: &Facts) -> String {
    format!(
        "helm get manifest {} -n {} | kubectl apply --server-side --force-conflicts -f -",
        facts.config.release, facts.system
    )
}

/// The commands that install a missing policy again. With `policies.install=false`, as an operator of few namespaces
/// usually has it, the policy is not part of the release.
pub fn policy(facts: &Facts) -> Vec<String> {
    let separate = separate(facts, "approval-policy.yaml");
    if facts.config.watched.is_empty() { vec![restore(facts), separate] } else { vec![separate] }
}

/// The command that installs the guard again, if it is not part of the release.
pub fn guard(facts: &Facts) -> Option<String> {
    (!facts.config.watched.is_empty()).then(|| separate(facts, "guard-policy.yaml"))
}

fn separate(facts: &Facts, template: &str) -> String {
    let (release, system) = (&facts.config.release, &facts.system);
    format!(
        "helm get values {release} -n {system} -o yaml | helm template {release} <chart understudy> -n {system} -f - \
         --set policies.install=true -s templates/{template} | kubectl apply -f -"
    )
}
