//! What rolls of pods mean for a change of main.

use rstest::rstest;

use super::{
    scenario_tests::{
        NEW, candidate, direct, follows, pass, policy_refuses, promoting, reads, records_the_promotion,
        switches,
    },
    *,
};
use crate::{fixtures::rolled_out, mock_api::Scenario};

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
