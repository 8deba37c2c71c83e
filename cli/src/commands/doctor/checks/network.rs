//! Whether nodes follow Services, and whether the Services of models have endpoints.

use serde_json::Value;

use super::super::{
    check::{Check, judge},
    facts::Facts,
    seen::Tally,
};

const NODES: &str = "nodes";
const PROXY: &str = "service-proxy";
const ENDPOINTS: &str = "endpoints";
/// `DaemonSets` in kube-system that make nodes follow Services.
const PROXIES: [&str; 6] =
    ["kube-proxy", "cilium", "kube-router", "antrea-agent", "calico-node", "ovnkube-node"];

pub fn check(facts: &Facts) -> Vec<Check> {
    let mut checks = judge(NODES, &facts.nodes, |nodes| vec![of_nodes(nodes.total, &nodes.not_ready)]);
    checks.extend(judge(PROXY, &facts.daemon_sets, |sets| vec![proxies(sets)]));
    checks.extend(judge(ENDPOINTS, &facts.models.slices, |()| vec![endpoints(facts)]));
    checks
}

fn of_nodes(total: usize, not_ready: &Tally) -> Check {
    match not_ready.count {
        0 if total > 0 => Check::ok(NODES, format!("{total} of {total} nodes are ready")),
        0 => Check::fail(NODES, "the cluster has no nodes").means("No pod can run.").run("kubectl get nodes"),
        bad => {
            let message = format!("{bad} of {total} nodes are not ready: {}", not_ready.names());
            let check = if bad == total { Check::fail(NODES, message) } else { Check::warn(NODES, message) };
            check
                .means("Kubernetes removes the pods of such a node from Services, and replaces them after some minutes.")
                .run("kubectl get nodes -o wide")
        }
    }
}

fn proxies(sets: &[Value]) -> Check {
    let known: Vec<&Value> =
        sets.iter().filter(|set| PROXIES.iter().any(|name| set["metadata"]["name"] == *name)).collect();
    if known.is_empty() {
        // The proxy may be a process of the node. That callers reach main shows then in the condition Running.
        return Check::skipped(
            PROXY,
            "kube-system has no DaemonSet of a known proxy; the check model-deployments shows whether the operator reaches models through their Services",
        );
    }
    let number = |set: &Value, key: &str| set["status"][key].as_u64().unwrap_or(0);
    let behind = known.iter().find(|set| number(set, "numberReady") < number(set, "desiredNumberScheduled"));
    let Some(set) = behind else {
        let names: Vec<&str> = known.iter().filter_map(|set| set["metadata"]["name"].as_str()).collect();
        return Check::ok(PROXY, format!("{} is ready on every node", names.join(", ")));
    };
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    Check::fail(PROXY, format!("{name} is ready on {} of {} nodes", number(set, "numberReady"), number(set, "desiredNumberScheduled")))
        .means("A node without it does not follow changes of Services: after a promotion, callers on that node still reach the previous version or nothing.")
        .run(format!("kubectl -n kube-system get pods -o wide | grep {name}"))
}

fn endpoints(facts: &Facts) -> Check {
    let without = facts.models.without_endpoints();
    if without.is_empty() {
        return Check::ok(
            ENDPOINTS,
            format!("every main with ready pods has endpoints (mains: {})", facts.models.serving()),
        );
    }
    let first = without.examples.first().cloned().unwrap_or_default();
    let (namespace, name) = first.split_once('/').unwrap_or_default();
    Check::fail(ENDPOINTS, format!("{} ready mains have a Service without ready endpoints: {}", without.count, without.names()))
        .means("Callers of the stable URL get no answer. The selector of the Service was changed, or the cluster's endpoint controller does not work.")
        .run(format!("kubectl -n {namespace} get service,endpointslices,pods -l understudy.dev/deployment={name} -o wide"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{check::Level, facts::Nodes, fixtures::facts};

    #[rstest]
    #[case::no_proxy_is_visible(json!([{"metadata": {"name": "log-shipper"}}]), Level::Skipped)]
    #[case::everywhere(json!([{"metadata": {"name": "kube-proxy"}, "status": {"desiredNumberScheduled": 3, "numberReady": 3}}]), Level::Ok)]
    #[case::missing_on_one_node(json!([{"metadata": {"name": "cilium"}, "status": {"desiredNumberScheduled": 3, "numberReady": 2}}]), Level::Fail)]
    fn the_proxy_must_be_ready_on_every_node(#[case] sets: Value, #[case] level: Level) {
        let mut facts = facts();
        facts.daemon_sets = Ok(sets.as_array().unwrap().clone());
        assert_eq!(check(&facts)[1].level, level);
    }

    #[rstest]
    #[case(3, 0, Level::Ok)]
    #[case(3, 1, Level::Warn)]
    #[case(1, 1, Level::Fail)]
    fn nodes_that_are_not_ready_are_named(#[case] total: usize, #[case] bad: usize, #[case] level: Level) {
        let mut facts = facts();
        let mut not_ready = Tally::default();
        for i in 0..bad {
            not_ready.add(|| format!("node-{i}"));
        }
        facts.nodes = Ok(Nodes { total, not_ready });
        assert_eq!(check(&facts)[0].level, level);
    }
}
