//! A Lease of somebody else.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::api::ObjectMeta;

use understudy_e2e::bare::in_a_world;

/// Longer than the operator trusts any duration of another holder.
const TRUST: Duration = Duration::from_mins(2);

#[tokio::test]
async fn a_lease_that_somebody_holds_for_a_day_is_taken_over_when_nobody_renews_it() -> Result<()> {
    in_a_world(async |world| {
        let spec = LeaseSpec {
            holder_identity: Some("somebody".to_owned()),
            lease_duration_seconds: Some(86400),
            renew_time: Some(MicroTime(Timestamp::now())),
            ..LeaseSpec::default()
        };
        let name = Some("understudy-operator".to_owned());
        let metadata = ObjectMeta { name, ..ObjectMeta::default() };
        world.create(&Lease { metadata, spec: Some(spec) }).await?;
        let _operator = world.operator("only").prompt().start().await?;
        world.await_leader_within(TRUST, "only").await
    })
    .await
}
