//! Pods and Services that take requests and do not answer them.

use super::{
    scenario::{
        NEW, STATUS, candidate, condition, follows, pass, policy_refuses, promote, reads, serve, switches,
        waits,
    },
    *,
};
use crate::{
    cluster::key::Key,
    mock_api::{Cluster, Scenario, write_status},
    mock_pods::Pods,
    model_server::probes::Probes,
};

/// Passes wait for no probe.
async fn impatient() -> (Cluster, Pods) {
    let pods = Pods::start().await;
    let prober = pods.prober();
    (Cluster::with_probes(|triggers| Probes::new(prober, triggers).with_grace(Duration::ZERO)), pods)
}

/// Waits until a probe has triggered a pass of the deployment.
async fn triggered(cluster: &Cluster) {
    let queued = cluster.triggers.deployments.next().await;
    assert_eq!(*queued.key(), Key::new("risk", "fraud"));
    queued.succeeded(None);
}

#[tokio::test]
async fn a_main_that_does_not_answer_holds_no_pass_and_its_answer_triggers_the_next_one() {
    let (mut cluster, pods) = impatient().await;
    serve(&mut cluster, &pods, &[]);
    let speaks = pods.silence("fraud.risk.svc");
    let state = Arc::default();
    let unknown = write_status(STATUS).with(|sent| {
        assert_eq!(condition(sent, "Running")["reason"], "Starting", "nothing is known yet: {sent}");
    });
    pass(&mut cluster, &state, Scenario::new().then(unknown)).await.expect("it does not wait");
    cluster.sees_what_was_written();

    speaks.notify_one();
    triggered(&cluster).await;
    let answers = write_status(STATUS).with(|sent| {
        assert_eq!(condition(sent, "Running")["reason"], "Answers", "{sent}");
    });
    pass(&mut cluster, &state, Scenario::new().then(answers)).await.expect("it answers");
}

#[tokio::test]
async fn a_pod_of_the_next_main_that_does_not_answer_holds_no_pass_and_its_answer_triggers_the_switch() {
    let (mut cluster, pods) = impatient().await;
    serve(&mut cluster, &pods, &[candidate()]);
    promote(&mut cluster, &pods);
    pods.silence("fraud.risk.svc");
    let speak = NEW.map(|ip| pods.silence(&format!("{ip}:8082")));
    let state = Arc::default();
    pass(&mut cluster, &state, Scenario::new().then(waits("NoAnswer"))).await.expect("it does not wait");
    cluster.sees_what_was_written();

    for speaks in speak {
        speaks.notify_one();
        triggered(&cluster).await;
    }
    let scenario = Scenario::new().concurrently(reads(&cluster, policy_refuses()));
    let record = write_status(STATUS).with(|sent| assert_eq!(sent["status"]["main"]["version"], "1.3.0"));
    let scenario = follows(switches(scenario, record, "Promoted"));
    pass(&mut cluster, &state, scenario).await.expect("1.3.0 is main");
}
