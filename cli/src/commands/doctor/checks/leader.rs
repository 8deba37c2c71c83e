//! What the operator's pods report about themselves: their health, and the leader's caches, watches and queue.

use super::super::{
    check::{Check, unseen},
    facts::{Facts, Pages},
    metrics_page::samples,
    seen::Blind,
};

const HEALTH: &str = "health";
const LEADER: &str = "leader";
const CACHES: &str = "caches";
const WATCHES: &str = "watches";
const QUEUE: &str = "queue";
const POLICY: &str = "operator-policy";
/// Seconds without any event. The API server sends a bookmark about once a minute, the operator opens a watch again after
/// 100 s of silence, and its `/livez` fails after 300 s.
const SILENT: f64 = 200.0;
/// Seconds that a key may wait in the queue.
const OLD: f64 = 60.0;
/// Seconds after which that is no longer a matter of load.
const STUCK: f64 = 180.0;
/// Seconds that one pass may take. The operator ends a pass after 60.
const LONG: f64 = 120.0;

pub fn check(facts: &Facts) -> Vec<Check> {
    let mut checks = health(facts);
    let pages: Vec<(&Pages, &str)> =
        facts.pages.iter().filter_map(|p| p.metrics.as_deref().ok().map(|text| (p, text))).collect();
    if pages.is_empty() {
        match facts.pages.iter().find_map(|p| p.metrics.as_ref().err()) {
            Some(Blind::Failed(_)) => {
                checks.push(Check::skipped(LEADER, "no pod of the operator returned its metrics"));
            }
            Some(blind) => checks.push(unseen(LEADER, blind)),
            None => {}
        }
        return checks;
    }
    let leaders: Vec<_> =
        pages.iter().filter(|(_, text)| samples(text, "understudy_leader").any(|s| s.value >= 1.0)).collect();
    match leaders.as_slice() {
        [(leader, text)] => {
            checks.push(Check::ok(LEADER, format!("{} leads", leader.pod)));
            checks.extend([caches(facts, text), watches(facts, &leader.pod, text), queue(facts, &leader.pod, text), policy(facts, text)]);
        }
        [] if pages.len() < facts.pages.len() => {
            checks.push(Check::skipped(LEADER, "not every pod of the operator could be read, and none of the others leads"));
        }
        [] => checks.push(
            Check::fail(LEADER, "no pod of the operator leads")
                .means("Nothing is approved, promoted, rolled back or repaired. The checks lease and operator-rights say why.")
                .run(logs(facts)),
        ),
        several => checks.push(
            Check::fail(LEADER, format!("{} pods of the operator lead", several.len()))
                .means("One of them has been cut off from the API server and has not noticed yet. Its writes carry preconditions, so none of them can undo a newer one.")
                .run(logs(facts)),
        ),
    }
    checks
}

fn logs(facts: &Facts) -> String {
    format!(
        "kubectl -n {} logs -l app.kubernetes.io/name=understudy-operator --prefix --tail=50",
        facts.system
    )
}

fn health(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![];
    for pages in &facts.pages {
        for (path, page) in [("/livez", &pages.livez), ("/readyz", &pages.readyz)] {
            match page {
                Ok((200, _)) => {}
                Ok((status, text)) => checks.push(
                    Check::fail(HEALTH, format!("{path} of {} answers {status}: {}", pages.pod, first_lines(text)))
                        .means("The operator itself says that it does not work. The kubelet restarts a pod whose /livez fails.")
                        .run(format!("kubectl -n {} logs {} --tail=50", facts.system, pages.pod)),
                ),
                // One line for each pod is enough.
                Err(Blind::Failed(why)) if path == "/livez" => checks.push(
                    Check::warn(HEALTH, format!("the API server got no {path} from {}: {why}", pages.pod))
                        .means("The pod hangs, or the API server cannot reach pods on this network. A port-forward takes another way: compare.")
                        .run(format!("kubectl -n {} port-forward {} 8081", facts.system, pages.pod)),
                ),
                Err(Blind::Failed(_)) => {}
                Err(blind) => checks.push(unseen(HEALTH, blind)),
            }
        }
    }
    checks.dedup();
    if checks.is_empty() && !facts.pages.is_empty() {
        checks
            .push(Check::ok(HEALTH, format!("/livez and /readyz of {} pods answer 200", facts.pages.len())));
    }
    checks
}

fn first_lines(text: &str) -> String {
    let bad: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("[+]") && !line.is_empty()).take(3).collect();
    bad.join("; ")
}

fn caches(facts: &Facts, page: &str) -> Check {
    let mut all = samples(page, "understudy_cache_synced").peekable();
    if all.peek().is_none() {
        return not_exported(CACHES, "understudy_cache_synced");
    }
    let all: Vec<_> = all.collect();
    let empty: Vec<&str> = all.iter().filter(|s| s.value < 1.0).map(|s| s.label("kind")).collect();
    if empty.is_empty() {
        return Check::ok(CACHES, format!("the leader has read all {} kinds", all.len()));
    }
    Check::fail(CACHES, format!("the leader has not read {} yet", empty.join(", ")))
        .means("The leader works when it has read every kind once. If this stays, it may not list the kind, or the API server does not answer.")
        .run(logs(facts))
        .run(format!("kubectl auth can-i --list --as=system:serviceaccount:{}:{}", facts.system, facts.config.account))
}

fn watches(facts: &Facts, leader: &str, page: &str) -> Check {
    let mut all = samples(page, "understudy_watch_last_event_seconds").peekable();
    if all.peek().is_none() {
        return not_exported(WATCHES, "understudy_watch_last_event_seconds");
    }
    let silent: Vec<String> =
        all.filter(|s| s.value > SILENT).map(|s| format!("{} ({:.0} s)", s.label("kind"), s.value)).collect();
    if silent.is_empty() {
        return Check::ok(WATCHES, "each watch had an event or a bookmark in the last minutes");
    }
    Check::fail(WATCHES, format!("the leader has received nothing about {}", silent.join(", ")))
        .means("The API server sends a bookmark about once a minute. A watch without one is dead, and the leader does not see changes.")
        .run(logs(facts))
        .run(format!("kubectl -n {} delete pod {leader}", facts.system))
}

fn queue(facts: &Facts, leader: &str, page: &str) -> Check {
    let mut ages = samples(page, "understudy_workqueue_oldest_seconds").peekable();
    if ages.peek().is_none() {
        return not_exported(QUEUE, "understudy_workqueue_oldest_seconds");
    }
    let depth: f64 = samples(page, "understudy_workqueue_depth").map(|s| s.value).sum();
    let oldest = ages.map(|s| s.value).fold(0.0, f64::max);
    let pass = samples(page, "understudy_workqueue_longest_running_processor_seconds");
    let pass = pass.map(|s| s.value).fold(0.0, f64::max);
    if pass > LONG {
        return Check::fail(QUEUE, format!("a pass over one object has run for {pass:.0} s"))
            .means("The pass hangs, although each of its requests has a deadline. Nothing happens with that object.")
            .run(logs(facts))
            .run(format!("kubectl -n {} delete pod {leader}", facts.system));
    }
    if oldest <= OLD {
        return Check::ok(QUEUE, format!("{depth:.0} objects wait, the oldest for {oldest:.1} s"));
    }
    let message = format!("{depth:.0} objects wait, the oldest for {oldest:.0} s");
    let check = if oldest > STUCK { Check::fail(QUEUE, message) } else { Check::warn(QUEUE, message) };
    check
        .means("The leader does not keep up, or its passes hang. Approvals and rollbacks take that long.")
        .run(logs(facts))
        .run(format!("kubectl -n {} delete pod {leader}", facts.system))
}

fn policy(facts: &Facts, page: &str) -> Check {
    let mut all = samples(page, "understudy_approval_policy_active").peekable();
    if all.peek().is_none() {
        return Check::skipped(POLICY, "the leader has not checked the approval policy yet");
    }
    if all.all(|s| s.value >= 1.0) {
        return Check::ok(POLICY, "the leader finds the approval policy enforced");
    }
    Check::fail(POLICY, "the leader finds that the approval policy is not enforced")
        .means("Nothing is promoted. The condition ApprovalPolicyActive of each ModelDeployment says what the operator found.")
        .run("kubectl get mdep -A -o custom-columns=NAME:.metadata.name,POLICY:'.status.conditions[?(@.type==\"ApprovalPolicyActive\")].message'".to_owned())
        .run(super::restore::restore(facts))
}

fn not_exported(name: &'static str, metric: &str) -> Check {
    Check::skipped(name, format!("this operator does not export {metric}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::commands::doctor::{
        check::Level,
        fixtures::{facts, metrics, pages},
    };

    fn checked(page: String) -> Vec<Check> {
        let mut facts = facts();
        facts.pages[0].metrics = Ok(page);
        check(&facts)
    }

    fn level(checks: &[Check], name: &str) -> Level {
        checks
            .iter()
            .find(|c| c.name == name)
            .unwrap_or_else(|| panic!("no check {name} in {checks:?}"))
            .level
    }

    #[rstest]
    #[case::a_cache(
        "understudy_cache_synced{kind=\"Pod\"} 1",
        "understudy_cache_synced{kind=\"Pod\"} 0",
        CACHES
    )]
    #[case::a_watch(
        "understudy_watch_last_event_seconds{kind=\"Pod\"} 12.5",
        "understudy_watch_last_event_seconds{kind=\"Pod\"} 3600",
        WATCHES
    )]
    #[case::the_queue(
        "understudy_workqueue_oldest_seconds{name=\"modelversion\"} 0.2",
        "understudy_workqueue_oldest_seconds{name=\"modelversion\"} 601",
        QUEUE
    )]
    #[case::a_pass(
        "understudy_workqueue_longest_running_processor_seconds{name=\"modelversion\"} 2",
        "understudy_workqueue_longest_running_processor_seconds{name=\"modelversion\"} 600",
        QUEUE
    )]
    #[case::the_policy("active{watched_namespace=\"\"} 1", "active{watched_namespace=\"\"} 0", POLICY)]
    fn what_the_leader_reports_is_judged(#[case] sound: &str, #[case] broken: &str, #[case] name: &str) {
        assert_eq!(level(&checked(metrics(1)), name), Level::Ok);
        let page = metrics(1).replace(sound, broken);
        assert_ne!(page, metrics(1));
        assert_eq!(level(&checked(page), name), Level::Fail);
    }

    #[test]
    fn a_standby_may_have_empty_caches() {
        assert!(check(&facts()).iter().all(|c| c.level == Level::Ok));
    }

    #[rstest]
    #[case(0, 0)]
    #[case(1, 1)]
    fn none_or_two_leaders_are_a_problem(#[case] a: u8, #[case] b: u8) {
        let mut facts = facts();
        facts.pages = vec![pages("op-a", a), pages("op-b", b)];
        assert_eq!(level(&check(&facts), LEADER), Level::Fail);
    }

    #[test]
    fn an_older_operator_without_these_metrics_is_not_called_broken() {
        let checks = checked("understudy_leader 1\n".to_owned());
        assert!(checks.iter().all(|c| !c.is_problem()), "{checks:?}");
        assert_eq!(level(&checks, CACHES), Level::Skipped);
    }

    #[test]
    fn pods_that_the_api_server_cannot_reach_are_one_warning_each() {
        let mut facts = facts();
        for pages in &mut facts.pages {
            let lost = || Blind::Failed("no answer within 10 s".to_owned());
            (pages.metrics, pages.livez, pages.readyz) = (Err(lost()), Err(lost()), Err(lost()));
        }
        let levels: Vec<_> = check(&facts).iter().map(|c| (c.name, c.level)).collect();
        assert_eq!(levels, [(HEALTH, Level::Warn), (HEALTH, Level::Warn), (LEADER, Level::Skipped)]);
    }

    #[test]
    fn a_failing_health_check_is_quoted_without_what_is_well() {
        let mut facts = facts();
        facts.pages[0].livez = Ok((500, "[+]lease ok\n[-]queue oldest key waits for 700 s\n".to_owned()));
        assert_eq!(
            check(&facts)[0].message,
            "/livez of op-a answers 500: [-]queue oldest key waits for 700 s"
        );
    }
}
