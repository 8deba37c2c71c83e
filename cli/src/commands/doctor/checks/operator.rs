//! Whether the operator's pods run.

use serde_json::Value;

use super::{
    super::{
        check::{Check, judge, unseen},
        facts::Facts,
        models::waiting,
        seen::Blind,
    },
    restore::restore,
};

const DEPLOYMENT: &str = "operator";
const CONFIG: &str = "operator-config";
const PODS: &str = "operator-pods";
/// Restarts of one pod that need an explanation.
const RESTARTS: u64 = 3;
const DOWN: &str = "Models that serve continue to serve. Nothing is approved, promoted, rolled back or repaired until an operator runs.";

pub fn check(facts: &Facts) -> Vec<Check> {
    let mut checks =
        judge(DEPLOYMENT, &facts.operator, |operator| vec![deployment(facts, operator.as_ref())]);
    if let Ok(Some(operator)) = &facts.operator {
        checks.push(config(facts));
        checks.extend(judge(PODS, &facts.pods, |pods| of_pods(facts, operator, pods)));
    }
    checks
}

fn config(facts: &Facts) -> Check {
    match &facts.config.read {
        Ok(()) => {
            let watched = &facts.config.watched;
            let watched = if watched.is_empty() { "all namespaces".to_owned() } else { watched.join(", ") };
            Check::ok(CONFIG, format!("the operator watches {watched}"))
        }
        Err(Blind::Failed(why)) => {
            Check::fail(CONFIG, format!("the operator's configuration cannot be read: {why}"))
                .means(
                    "The operator does not start with it. The checks below assume the defaults of the chart.",
                )
                .run(restore(facts))
        }
        Err(blind) => unseen(CONFIG, blind),
    }
}

fn name(operator: &Value) -> &str {
    operator["metadata"]["name"].as_str().unwrap_or_default()
}

fn deployment(facts: &Facts, operator: Option<&Value>) -> Check {
    let Some(operator) = operator else {
        return Check::fail(DEPLOYMENT, format!("namespace {} has no operator", facts.system))
            .means(DOWN)
            .run("kubectl understudy doctor --all-namespaces")
            .run(format!(
                "helm upgrade --install understudy <chart understudy> -n {} --create-namespace",
                facts.system
            ));
    };
    let number = |part: &Value| part.as_u64().unwrap_or(0);
    let (status, wanted) = (&operator["status"], operator["spec"]["replicas"].as_u64().unwrap_or(1));
    let (ready, updated) = (number(&status["readyReplicas"]), number(&status["updatedReplicas"]));
    let show = format!("kubectl -n {} describe deployment {}", facts.system, name(operator));
    let stopped = status["conditions"].as_array().into_iter().flatten().find(|c| {
        (c["type"] == "ReplicaFailure" && c["status"] == "True")
            || (c["type"] == "Progressing" && c["status"] == "False")
    });
    let why = stopped.and_then(|c| c["message"].as_str()).map(|m| format!(": {m}")).unwrap_or_default();
    match ready {
        _ if wanted == 0 => Check::fail(DEPLOYMENT, "the operator is scaled to 0").means(DOWN).run(format!(
            "kubectl -n {} scale deployment {} --replicas=2",
            facts.system,
            name(operator)
        )),
        0 => Check::fail(DEPLOYMENT, format!("no pod of the operator is ready, of {wanted}{why}"))
            .means(DOWN)
            .run(show),
        _ if ready < wanted => {
            Check::warn(DEPLOYMENT, format!("{ready} of {wanted} pods of the operator are ready{why}"))
                .means("One ready pod is enough to work. The others take over if it fails.")
                .run(show)
        }
        _ if updated < wanted => Check::warn(
            DEPLOYMENT,
            format!("{updated} of {wanted} pods of the operator have the newest template{why}"),
        )
        .means("A roll-out of the operator has not ended. Until then, an older operator may lead.")
        .run(show),
        _ => Check::ok(DEPLOYMENT, format!("{ready} of {wanted} pods are ready")),
    }
}

fn of_pods(facts: &Facts, operator: &Value, pods: &[Value]) -> Vec<Check> {
    let mut checks: Vec<Check> = pods.iter().filter_map(|pod| trouble(facts, pod)).collect();
    if pods.is_empty() && operator["spec"]["replicas"] != 0 {
        checks.push(
            Check::fail(PODS, "the operator's Deployment has no pods")
                .means(format!("The cluster cannot create them, for example because of a quota or a missing ServiceAccount. {DOWN}"))
                .run(format!("kubectl -n {} get events --sort-by=.lastTimestamp", facts.system))
                .run(restore(facts)),
        );
    }
    if checks.is_empty() {
        let restarts: u64 = pods.iter().map(restarts).sum();
        checks.push(Check::ok(PODS, format!("pods: {}, restarts: {restarts}", pods.len())));
    }
    checks
}

fn restarts(pod: &Value) -> u64 {
    pod["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0)
}

fn trouble(facts: &Facts, pod: &Value) -> Option<Check> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let container = &pod["status"]["containerStatuses"][0];
    let describe = format!("kubectl -n {} describe pod {name}", facts.system);
    let logs = format!("kubectl -n {} logs {name} --previous --tail=50", facts.system);
    let ended =
        [&container["lastState"], &container["state"]].into_iter().find_map(|s| s["terminated"].as_object());
    let end = ended.map_or_else(String::new, |end| {
        let text = |key: &str| end.get(key).and_then(Value::as_str).unwrap_or_default().trim();
        let code = end.get("exitCode").and_then(Value::as_i64).unwrap_or(0);
        let words = text("message").lines().last().unwrap_or_default();
        format!("; it ended with {} (exit code {code}) {words}", text("reason")).trim_end().to_owned()
    });
    if let Some(reason) = waiting(pod).find(|r| !matches!(*r, "ContainerCreating" | "PodInitializing")) {
        let check = Check::fail(PODS, format!("pod {name} is in {reason}, {} restarts{end}", restarts(pod)));
        return Some(match reason {
            "CrashLoopBackOff" => check
                .means("The operator ends soon after each start. Its last log lines say why.")
                .run(logs)
                .run(describe),
            _ => check.means("The kubelet cannot start the operator.").run(describe),
        });
    }
    let unscheduled = pod["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|c| c["type"] == "PodScheduled" && c["status"] == "False");
    if let Some(condition) = unscheduled {
        let why = condition["message"].as_str().unwrap_or_default();
        return Some(
            Check::fail(PODS, format!("no node can run pod {name}: {why}"))
                .means("This replica waits for a node.")
                .run(describe),
        );
    }
    if restarts(pod) >= RESTARTS {
        return Some(
            Check::warn(PODS, format!("pod {name} has restarted {} times{end}", restarts(pod)))
                .means("An operator ends itself when it loses its Lease or when a task ends. Frequent restarts point to an API server that does not answer in time, or to a memory limit that is too small.")
                .run(logs),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{
        check::Level,
        fixtures::{facts, operator, pod},
    };

    #[rstest]
    #[case(json!({"readyReplicas": 2, "updatedReplicas": 2}), Level::Ok, "2 of 2 pods are ready")]
    #[case(json!({"readyReplicas": 1, "updatedReplicas": 2}), Level::Warn, "1 of 2 pods")]
    #[case(json!({"readyReplicas": 2, "updatedReplicas": 1}), Level::Warn, "newest template")]
    #[case(json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}), Level::Fail, "of 2: exceeded quota")]
    fn the_deployment_is_judged_by_its_ready_pods(
        #[case] status: Value,
        #[case] level: Level,
        #[case] words: &str,
    ) {
        let mut facts = facts();
        let mut deployment = operator();
        deployment["status"] = status;
        facts.operator = Ok(Some(deployment));
        let found = &check(&facts)[0];
        assert_eq!(found.level, level);
        assert!(found.message.contains(words), "{}", found.message);
    }

    #[rstest]
    #[case::crash_loop(
        json!({"restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}),
        Level::Fail, "is in CrashLoopBackOff, 7 restarts; it ended with OOMKilled (exit code 137)"
    )]
    #[case::image(json!({"restartCount": 0, "state": {"waiting": {"reason": "ErrImagePull"}}}), Level::Fail, "is in ErrImagePull")]
    #[case::many_restarts(json!({"restartCount": 4, "state": {"running": {}}}), Level::Warn, "has restarted 4 times")]
    #[case::starts(json!({"restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}), Level::Ok, "pods: 1")]
    fn a_pod_that_does_not_run_is_found_with_its_reason(
        #[case] container: Value,
        #[case] level: Level,
        #[case] words: &str,
    ) {
        let mut facts = facts();
        let mut broken = pod("op-a");
        broken["status"]["containerStatuses"][0] = container;
        facts.pods = Ok(vec![broken]);
        let found = &check(&facts)[2];
        assert_eq!(found.level, level);
        assert!(found.message.contains(words), "{}", found.message);
    }

    #[test]
    fn a_namespace_without_an_operator_is_one_problem() {
        let mut facts = facts();
        facts.operator = Ok(None);
        assert_eq!(check(&facts).len(), 1);
    }
}
