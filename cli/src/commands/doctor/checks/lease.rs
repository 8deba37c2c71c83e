//! Whether a pod of the operator holds the Lease and renews it.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{
    check::{Check, judge},
    facts::Facts,
};

const NAME: &str = "lease";
/// A longer duration than this, in seconds, is not one of the chart.
const LONGEST: i64 = 300;
/// A difference between two clocks, in seconds, that people should know of.
const SKEW: i64 = 60;
const NO_LEADER: &str = "Without a leader nothing is approved, promoted, rolled back or repaired. Models that serve continue to serve.";

pub fn check(facts: &Facts) -> Vec<Check> {
    // Without an operator, its Lease says nothing.
    if matches!(facts.operator, Ok(None)) {
        return vec![];
    }
    judge(NAME, &facts.lease, |lease| {
        vec![lease.as_ref().map_or_else(|| missing(facts), |lease| held(facts, lease))]
    })
}

fn missing(facts: &Facts) -> Check {
    Check::fail(NAME, format!("Lease {} does not exist", facts.config.lease))
        .means(format!("The operator has never led: it waits for the API server, for the CRDs or for its rights. {NO_LEADER}"))
        .run(format!("kubectl -n {} logs deployment/{} --tail=50", facts.system, facts.config.operator))
}

fn held(facts: &Facts, lease: &Value) -> Check {
    let spec = &lease["spec"];
    let (lease_name, system) = (&facts.config.lease, &facts.system);
    let delete = format!("kubectl -n {system} delete lease {lease_name}");
    let logs = format!("kubectl -n {system} logs deployment/{} --tail=50", facts.config.operator);
    let holder = spec["holderIdentity"].as_str().unwrap_or_default();
    let lasts = spec["leaseDurationSeconds"].as_i64().unwrap_or(0);
    if holder.is_empty() {
        return Check::fail(NAME, format!("nobody holds Lease {lease_name}")).means(NO_LEADER).run(logs);
    }
    if let Ok(pods) = &facts.pods
        && !pods.iter().any(|pod| is_holder(pod, holder))
    {
        return Check::fail(NAME, format!("{holder} holds Lease {lease_name} for {lasts} s at a time, and is not a pod of this operator"))
            .means(format!("Either the pod has ended and the next one takes over within {} s, or something else writes this Lease. {NO_LEADER}", facts.config.lease_seconds))
            .run(format!("kubectl -n {system} get lease {lease_name} -o yaml"))
            .run(delete);
    }
    if lasts > LONGEST.max(facts.config.lease_seconds) {
        return Check::fail(NAME, format!("Lease {lease_name} is valid for {lasts} s after its last renewal; the chart sets {} s", facts.config.lease_seconds))
            .means("If the leader fails, no other pod takes over for that time. The operator does not write such a duration.")
            .run(delete);
    }
    let renewed = spec["renewTime"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let age = renewed.map(|at| facts.now.as_second() - at.as_second());
    match age {
        Some(age) if !facts.lease_changed && age > lasts => {
            Check::fail(NAME, format!("{holder} holds Lease {lease_name} and has not renewed it for {age} s"))
                .means(format!("The leader is stopped, or does not reach the API server. {NO_LEADER}"))
                .run(logs)
                .run(format!("kubectl -n {system} get pod {holder} -o wide"))
        }
        Some(age) if age.abs() > SKEW => {
            Check::warn(NAME, format!("{holder} renews Lease {lease_name}, with a clock that differs from the API server's by {} s", age.abs()))
                .means("Leader election does not depend on clocks, but times in conditions, history and expiry do. Check the time service of that node.")
                .run(format!("kubectl -n {system} get pod {holder} -o wide"))
        }
        Some(_) => Check::ok(NAME, format!("{holder} holds Lease {lease_name} and renews it")),
        None => Check::fail(NAME, format!("{holder} holds Lease {lease_name}, which has no time of renewal")).means(NO_LEADER).run(delete),
    }
}

/// A holder is the name of a pod, perhaps with more behind `_`, as client-go writes it.
pub(super) fn is_holder(pod: &Value, holder: &str) -> bool {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    holder == name || holder.strip_prefix(name).is_some_and(|rest| rest.starts_with(['_', '/']))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{
        check::Level,
        fixtures::{facts, lease},
    };

    #[rstest]
    #[case::sound(json!({}), false, Level::Ok, "op-a holds")]
    #[case::with_more_behind_the_name(json!({"holderIdentity": "op-a_7f3"}), false, Level::Ok, "op-a_7f3 holds")]
    #[case::foreign(json!({"holderIdentity": "intruder", "leaseDurationSeconds": 86_400}), false, Level::Fail, "intruder holds")]
    #[case::of_another_pod_with_a_longer_name(json!({"holderIdentity": "op-ab"}), false, Level::Fail, "not a pod of this operator")]
    #[case::absurd_duration(json!({"leaseDurationSeconds": 86_400}), false, Level::Fail, "86400 s after its last renewal")]
    #[case::free(json!({"holderIdentity": ""}), false, Level::Fail, "nobody holds")]
    #[case::not_renewed(json!({"renewTime": "2026-11-21T11:50:00.000000Z"}), false, Level::Fail, "has not renewed it for 600 s")]
    #[case::renewed_by_a_late_clock(json!({"renewTime": "2026-11-21T11:50:00.000000Z"}), true, Level::Warn, "differs from the API server's by 600 s")]
    #[case::renewed_by_an_early_clock(json!({"renewTime": "2026-11-21T12:10:00.000000Z"}), false, Level::Warn, "by 600 s")]
    fn the_lease_is_judged_by_its_holder_its_duration_and_its_renewal(
        #[case] spec: Value,
        #[case] changed: bool,
        #[case] level: Level,
        #[case] words: &str,
    ) {
        let mut facts = facts();
        let mut lease = lease();
        for (key, value) in spec.as_object().unwrap() {
            lease["spec"][key] = value.clone();
        }
        (facts.lease, facts.lease_changed) = (Ok(Some(lease)), changed);
        let found = &check(&facts)[0];
        assert_eq!(found.level, level, "{}", found.message);
        assert!(found.message.contains(words), "{}", found.message);
    }
}
