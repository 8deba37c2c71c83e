//! The models: objects that nobody can read, deployments that do not run, requests that nobody ended, foreign objects.

use std::collections::BTreeMap;

use super::super::{
    check::{Check, judge},
    facts::Facts,
    seen::Tally,
};

const DEPLOYMENTS: &str = "model-deployments";
const VERSIONS: &str = "model-versions";
const UNREADABLE: &str = "unreadable-objects";
const REQUESTS: &str = "requests";
const IMAGES: &str = "server-image";
const OBJECTS: &str = "owned-objects";

pub fn check(facts: &Facts) -> Vec<Check> {
    let models = &facts.models;
    let mut checks = judge(IMAGES, &models.pods, |pods| vec![images(facts, *pods)]);
    checks.extend(judge(DEPLOYMENTS, &models.deployments, |total| deployments(facts, *total)));
    checks.extend(judge(VERSIONS, &models.versions, |total| versions(facts, *total)));
    checks.extend(judge(OBJECTS, &models.objects, |total| objects(facts, *total)));
    checks
}

fn images(facts: &Facts, pods: usize) -> Check {
    let failures = &facts.models.image_failures;
    if failures.is_empty() {
        let others = match facts.models.other_images.count {
            0 => String::new(),
            n => format!("; {n} of them still run another server image than the operator sets"),
        };
        return Check::ok(IMAGES, format!("every image of model pods can be pulled (pods: {pods}){others}"));
    }
    let first = failures.examples.first().and_then(|e| e.split(' ').next()).unwrap_or_default();
    let (namespace, name) = first.split_once('/').unwrap_or_default();
    Check::fail(IMAGES, format!("{} model pods cannot pull their image: {}", failures.count, failures.names()))
        .means(format!(
            "New pods of models do not start. Pods that run continue to serve. The operator sets {}: check server.image and server.imagePullSecrets of the chart.",
            facts.config.server_image.as_deref().unwrap_or("the image of its ConfigMap")
        ))
        .run(format!("kubectl -n {namespace} describe pod {name}"))
}

fn by_reason(
    name: &'static str,
    tallies: &BTreeMap<String, Tally>,
    what: &str,
    meaning: &str,
    command: impl Fn(&str, &str) -> String,
) -> Vec<Check> {
    let one = |(reason, tally): (&String, &Tally)| {
        let first = tally.examples.first().map(String::as_str).unwrap_or_default();
        let (namespace, object) = first.split_once('/').unwrap_or_default();
        Check::fail(name, format!("{} {what}, {reason}: {}", tally.count, tally.names()))
            .means(meaning)
            .run(command(namespace, object))
    };
    tallies.iter().map(one).collect()
}

fn deployments(facts: &Facts, total: usize) -> Vec<Check> {
    let describe = |namespace: &str, name: &str| format!("kubectl -n {namespace} describe mdep {name}");
    let mut checks = by_reason(
        DEPLOYMENTS,
        &facts.models.not_running,
        "ModelDeployments have a main that does not answer",
        "Callers of these models get no answer through the Service. docs/operations.md explains the reason.",
        describe,
    );
    checks.extend(by_reason(
        DEPLOYMENTS,
        &facts.models.stalled,
        "ModelDeployments are stalled",
        "The operator cannot proceed until somebody acts. What serves continues to serve. docs/operations.md explains the reason.",
        describe,
    ));
    if checks.is_empty() {
        checks.push(Check::ok(
            DEPLOYMENTS,
            format!("none is stalled, every main answers (ModelDeployments: {total})"),
        ));
    }
    checks
}

fn versions(facts: &Facts, total: usize) -> Vec<Check> {
    let models = &facts.models;
    let mut checks = by_reason(
        VERSIONS,
        &models.not_serving,
        "ModelVersions should serve and do not",
        "No pod of these versions is ready. docs/operations.md explains the reason.",
        |namespace, name| format!("kubectl -n {namespace} describe mv {name}"),
    );
    if !models.unreadable.is_empty() {
        checks.push(
            Check::fail(UNREADABLE, format!("{} objects cannot be read by this version: {}", models.unreadable.count, models.unreadable.names()))
                .means("The operator of the same version cannot read them either: it leaves them as they are. A newer release, or a person with another schema, wrote them.")
                .run("kubectl get mv,mdep -A -o yaml"),
        );
    }
    let logs = format!("kubectl -n {} logs deployment/{} --tail=50", facts.system, facts.config.operator);
    if !models.overdue.is_empty() {
        checks.push(
            Check::fail(REQUESTS, format!("{} requests are past their deadline and still open: {}", models.overdue.count, models.overdue.names()))
                .means("The operator ends a request at status.transition.expiresAt. It does not work on these versions.")
                .run(logs.clone()),
        );
    }
    if !models.slow.is_empty() {
        checks.push(
            Check::warn(REQUESTS, format!("{} approved steps have not ended after an hour: {}", models.slow.count, models.slow.names()))
                .means("The pods of the new version are not ready, or the operator does not work on it. What served before continues to serve.")
                .run("kubectl get mv -A -o wide"),
        );
    }
    if checks.is_empty() {
        checks.push(Check::ok(
            VERSIONS,
            format!("all can be read, no request is overdue (ModelVersions: {total})"),
        ));
    }
    checks
}

fn objects(facts: &Facts, total: usize) -> Vec<Check> {
    let models = &facts.models;
    let mut checks = vec![];
    if !models.foreign.is_empty() {
        let first = models.foreign.examples.first().map(String::as_str).unwrap_or_default();
        let (kind, object) = first.split_once(' ').unwrap_or_default();
        let (namespace, name) = object.split_once('/').unwrap_or_default();
        checks.push(
            Check::fail(OBJECTS, format!("{} objects have a name that a model needs, and another owner: {}", models.foreign.count, models.foreign.names()))
                .means("The operator does not change objects of others, so it cannot complete these models (NameConflict). Rename or delete the object.")
                .run(format!("kubectl -n {namespace} get {} {name} -o yaml", kind.to_lowercase())),
        );
    }
    if !models.orphans.is_empty() {
        checks.push(
            Check::warn(OBJECTS, format!("{} objects of Understudy belong to no ModelDeployment: {}", models.orphans.count, models.orphans.names()))
                .means("Their ModelDeployment was deleted and the cluster's garbage collector has not removed them, or somebody removed their owner. They may still run pods.")
                .run("kubectl get deploy,svc,cm,pdb -A -l app.kubernetes.io/managed-by=understudy"),
        );
    }
    if checks.is_empty() {
        checks.push(Check::ok(OBJECTS, format!("each has the right owner (objects: {total})")));
    }
    checks
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::commands::doctor::{check::Level, fixtures::facts, models::Models};

    fn one(tally: &mut Tally, name: &str) {
        tally.add(|| name.to_owned());
    }

    #[rstest]
    #[case::foreign(|m: &mut Models| one(&mut m.foreign, "Service risk/fraud"), OBJECTS, "kubectl -n risk get service fraud -o yaml")]
    #[case::orphan(|m: &mut Models| one(&mut m.orphans, "Service risk/fraud"), OBJECTS, "kubectl get deploy,svc,cm,pdb -A -l app.kubernetes.io/managed-by=understudy")]
    #[case::image(|m: &mut Models| one(&mut m.image_failures, "risk/p-1 (ErrImagePull)"), IMAGES, "kubectl -n risk describe pod p-1")]
    #[case::unreadable(|m: &mut Models| one(&mut m.unreadable, "ModelVersion risk/odd"), UNREADABLE, "kubectl get mv,mdep -A -o yaml")]
    #[case::overdue(|m: &mut Models| one(&mut m.overdue, "risk/f"), REQUESTS, "kubectl -n understudy-system logs deployment/understudy-operator --tail=50")]
    #[case::stalled(|m: &mut Models| one(m.stalled.entry("NameConflict".to_owned()).or_default(), "risk/fraud"), DEPLOYMENTS, "kubectl -n risk describe mdep fraud")]
    #[case::not_running(|m: &mut Models| one(m.not_running.entry("NoAnswer".to_owned()).or_default(), "risk/fraud"), DEPLOYMENTS, "kubectl -n risk describe mdep fraud")]
    fn each_problem_has_a_command_that_shows_more(
        #[case] break_it: fn(&mut Models),
        #[case] name: &str,
        #[case] command: &str,
    ) {
        let mut facts = facts();
        break_it(&mut facts.models);
        let problems: Vec<Check> = check(&facts).into_iter().filter(Check::is_problem).collect();
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].name, problems[0].commands[0].as_str()), (name, command));
        assert!(problems[0].meaning.is_some());
        assert_ne!(problems[0].level, Level::Ok);
    }
}
