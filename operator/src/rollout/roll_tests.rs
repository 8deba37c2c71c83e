//! What rolls of pods mean for a change of main.

use rstest::rstest;
use serde_json::json;

use super::{
    scenario::{
        NEW, STATUS, candidate, direct, follows, main_version, pass, policy_refuses, promoting, reads,
        records_the_promotion, serving, switches,
    },
    *,
};
use crate::{
    cluster::triggers::Triggers,
    config::Config,
    fixtures::{parse, rolled_out},
    mock_api::{Cluster, Exchange, Scenario, patch, write_status},
};

/// A version is what its digest says, whatever image or node its pods have. A roll removes a ready pod only after it has
/// a ready successor.
#[rstest]
#[case::only_one_pod_has_the_newest_template_and_its_image_does_not_exist(3, 1, 1)]
#[case::one_old_pod_is_left(3, 2, 1)]
#[case::the_report_is_about_an_older_template(2, 2, 0)]
#[tokio::test]
async fn a_roll_in_progress_does_not_hold_back_a_version_whose_ready_pods_answer(
    #[case] pods_of_all_templates: i32,
    #[case] updated: i32,
    #[case] observed_generation: i64,
) {
    let (mut cluster, pods) = promoting().await;
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let mut workload = rolled_out(&build::workload(&md, &candidate(), 2, &cluster.ctx.config));
    let status = workload.status.get_or_insert_default();
    status.replicas = Some(pods_of_all_templates);
    status.updated_replicas = Some(updated);
    status.observed_generation = Some(observed_generation);
    cluster.sees(&workload);
    let scenario = Scenario::new().concurrently(reads(&cluster, policy_refuses()));
    let scenario = follows(switches(scenario, records_the_promotion(), "Promoted"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("1.3.0 is main");
    assert_eq!(pods.probed(), direct(NEW), "every ready pod answered a real inference first");
}

/// As [`serving`], with pods of an older server image.
async fn serving_an_older_image() -> Cluster {
    let (mut cluster, _pods) = serving(&[]).await;
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let older: Config = parse(json!({"serverImage": "understudy-server:0"}));
    let main = main_version();
    let mut workload = rolled_out(&build::workload(&md, &main, 2, &older));
    build::Origin::new(&md, &main, &older, &build::operator_hash(&older)).write_to(&mut workload);
    cluster.sees(&workload);
    cluster
}

fn conditions() -> Exchange {
    write_status(STATUS).with(|sent| assert_eq!(sent["status"]["main"]["version"], "1.2.0"))
}

#[tokio::test]
async fn another_server_image_reaches_pods_when_it_is_their_turn() {
    let mut cluster = serving_an_older_image().await;
    let state: Arc<State> = Arc::default();
    pass(&mut cluster, &state, Scenario::new().then(conditions())).await.expect("it waits for its wave");

    cluster.sees_what_was_written();
    let triggers = Triggers::default();
    let scope = (cluster.ctx.cache.clone(), triggers.clone());
    state.waves.look(&[scope], &cluster.ctx.metrics);
    assert_eq!(triggers.deployments.state().depth, 1, "the deployment gets a pass");
    let rolls = patch("/deployments/fraud-v1-2-0").with(|sent| {
        let container = &sent["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], "understudy-server:1");
    });
    pass(&mut cluster, &state, Scenario::new().then(rolls)).await.expect("it rolls");
}

#[tokio::test]
async fn a_change_of_replicas_does_not_bring_an_image_that_waits_for_its_wave() {
    let mut cluster = serving_an_older_image().await;
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let mut more = md.as_ref().clone();
    more.spec.replicas = 3;
    cluster.sees(&more);
    let scales = patch("/deployments/fraud-v1-2-0").with(|sent| {
        let only = json!({"metadata": {"uid": "uid-of-fraud-v1-2-0"}, "spec": {"replicas": 3}});
        assert_eq!(*sent, only);
    });
    let scenario = Scenario::new().then(scales.finds(&json!({"metadata": {}}))).then(conditions());
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it is scaled");
}

#[tokio::test]
async fn a_change_by_a_user_is_applied_while_an_image_waits_and_keeps_the_image() {
    let mut cluster = serving_an_older_image().await;
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let mut placed = md.as_ref().clone();
    placed.spec.node_selector = [("zone".to_owned(), "a".to_owned())].into();
    cluster.sees(&placed);
    let applied = patch("/deployments/fraud-v1-2-0").with(|sent| {
        let pod = &sent["spec"]["template"]["spec"];
        assert_eq!(
            (&pod["nodeSelector"], &pod["containers"][0]["image"]),
            (&json!({"zone": "a"}), &json!("understudy-server:0"))
        );
    });
    pass(&mut cluster, &Arc::default(), Scenario::new().then(applied).then(conditions()))
        .await
        .expect("it is applied");
}
