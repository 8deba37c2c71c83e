//! What a pass gets and when it is triggered, while targets answer, fail or are silent.

use super::*;
use crate::{
    cluster::{pods::PodsByVersion, queue::Queue},
    fixtures::ready_pod,
    mock_pods::Pods,
};

/// Longer than any test.
const PATIENT: Duration = Duration::from_mins(1);

async fn start(grace: Duration) -> (Probes, Pods, Triggers) {
    let (pods, triggers) = (Pods::start().await, Triggers::default());
    (Probes::new(pods.prober(), triggers.clone()).with_grace(grace), pods, triggers)
}

fn fraud() -> Subject {
    Subject::Deployment(Key::new("risk", "fraud"))
}

/// The address of a ready pod, as a pass sees it.
fn address(ip: &str) -> Address {
    PodsByVersion::of(&[ready_pod("1.3.0", ip)]).version("1.3.0").ready_addresses[0].clone()
}

fn version(answered: Option<Arc<Answered>>) -> Option<Result<String, ()>> {
    answered.map(|answered| answered.as_ref().clone().map(|answer| answer.version).map_err(drop))
}

/// The next pass begins and ends.
async fn triggered(queue: &Queue) -> Key {
    let pass = queue.next().await;
    let key = pass.key().clone();
    pass.succeeded(None);
    key
}

#[tokio::test]
async fn a_pass_gets_the_answer_of_a_target_without_another_pass() {
    let (probes, pods, triggers) = start(PATIENT).await;
    pods.answer("fraud.risk.svc", "1.2.0", "1.2.0");
    let answered = probes.service(&fraud(), "http://fraud.risk.svc", "a").await;
    assert_eq!(version(answered), Some(Ok("1.2.0".to_owned())));
    assert_eq!(triggers.deployments.state().depth, 0);
}

#[tokio::test]
async fn a_silent_target_holds_no_pass_and_its_answer_triggers_one() {
    let (probes, pods, triggers) = start(Duration::ZERO).await;
    pods.answer("fraud.risk.svc", "1.2.0", "1.2.0");
    let speaks = pods.silence("fraud.risk.svc");
    for _ in 0..3 {
        assert_eq!(probes.service(&fraud(), "http://fraud.risk.svc", "a").await, None);
    }
    speaks.notify_one();
    assert_eq!(triggered(&triggers.deployments).await, Key::new("risk", "fraud"));
    let answered = probes.service(&fraud(), "http://fraud.risk.svc", "a").await;
    assert_eq!(version(answered), Some(Ok("1.2.0".to_owned())));
    assert_eq!(pods.probed().len(), 1, "one probe is in flight at a time");
}

#[tokio::test]
async fn a_target_that_failed_is_not_probed_again_before_its_pause_and_holds_no_pass() {
    let (probes, pods, _) = start(PATIENT).await;
    assert_eq!(version(probes.service(&fraud(), "http://fraud.risk.svc", "a").await), Some(Err(())));
    assert!(!probes.pause_of_service(&fraud(), "http://fraud.risk.svc", "a").is_zero());
    assert_eq!(version(probes.service(&fraud(), "http://fraud.risk.svc", "a").await), Some(Err(())));
    assert_eq!(pods.probed().len(), 1);
}

#[tokio::test]
async fn the_answer_of_another_pod_with_the_same_address_does_not_count() {
    let (probes, pods, _) = start(PATIENT).await;
    pods.answer("10.0.0.7:8082", "1.2.0", "1.2.0");
    let before = address("10.0.0.7");
    let answered = probes.pod(&fraud(), &before).await;
    assert_eq!(version(answered), Some(Ok("1.2.0".to_owned())));
    pods.answer("10.0.0.7:8082", "1.3.0", "1.3.0");
    let after = Address { identity: "another".to_owned(), ..before };
    assert_eq!(version(probes.pod(&fraud(), &after).await), Some(Ok("1.3.0".to_owned())));
}

#[tokio::test]
async fn silent_services_do_not_delay_the_probe_of_a_pod() {
    let (probes, pods, _) = start(Duration::ZERO).await;
    for place in 0..2 * CONCURRENCY {
        let host = format!("model-{place}.risk.svc");
        pods.silence(&host);
        assert_eq!(probes.service(&fraud(), &format!("http://{host}"), "a").await, None);
    }
    let probes = probes.with_grace(PATIENT);
    pods.answer("10.0.0.7:8082", "1.3.0", "1.3.0");
    let answered = probes.pod(&fraud(), &address("10.0.0.7")).await;
    assert_eq!(version(answered), Some(Ok("1.3.0".to_owned())));
}

#[tokio::test]
async fn a_version_gets_the_signature_and_a_deployment_does_not_keep_it() {
    let (probes, pods, _) = start(PATIENT).await;
    pods.answer("10.0.0.7:8082", "1.3.0", "1.3.0");
    let of_version = Subject::Version(Key::new("risk", "fraud-1.3.0"));
    for (subject, keeps) in [(of_version, true), (fraud(), false)] {
        let answered = probes.pod(&subject, &address("10.0.0.7")).await.expect("it answers");
        assert_eq!(answered.as_ref().as_ref().is_ok_and(|answer| answer.model.is_some()), keeps);
    }
}

#[test]
fn the_pause_doubles_up_to_its_limit() {
    let now = Instant::now();
    let entry = |failures| Entry {
        last: Some(Finished { started: now, ended: now, answered: Arc::new(Err("no".to_owned())) }),
        failures,
        ..Entry::default()
    };
    let pauses = [1, 2, 3, 5, 6, 1000].map(|failures| entry(failures).pause(now, Duration::from_secs(30)));
    assert_eq!(pauses.map(|pause| pause.as_secs()), [1, 2, 4, 16, 30, 30]);
}

#[tokio::test(start_paused = true)]
async fn results_that_nobody_requests_are_forgotten() {
    let probes = Probes::new(Prober::new(), Triggers::default());
    let mut results = probes.shared.results();
    let now = Instant::now();
    let target = |url: &str| Target { subject: fraud(), url: url.to_owned(), facts: String::new() };
    for (url, asked) in [("old", now), ("new", now + FORGOTTEN)] {
        results.entries.insert(target(url), Entry { asked: Some(asked), ..Entry::default() });
    }
    results.forget(now + FORGOTTEN);
    assert!(results.entries.contains_key(&target("new")));
    assert_eq!(results.entries.len(), 1);
}
