//! The API server is frozen. That it is away is in [`crate::short`].
//!
//! After a long outage, a controller manager that ran all the time concludes from the old Leases that every node has failed,
//! marks all pods as not ready, and their addresses disappear from every Service until the kubelets have reported. A controller
//! manager with leader election, which is the default of Kubernetes, has lost its Lease and starts again: it gives the nodes
//! another grace period.

use std::time::Duration;

use anyhow::{Result, ensure};
use understudy_e2e::platform::Part;

use crate::model::{Group, under_load};

/// Longer than a node's Lease and the grace period after it.
const FROZEN: Duration = Duration::from_secs(70);
/// Time for the load after that to make enough calls.
const AFTERWARDS: Duration = Duration::from_secs(20);
/// What the controller manager does to the pods of a node that has failed.
const MARKED: &str = "NodeNotReady";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_do_not_notice_an_api_server_that_is_frozen_for_70_s() -> Result<()> {
    under_load("frozen", async |model| {
        let elected = Part::ControllerManager.supervise(&["--leader-elect=true"])?;
        model.serve_for(Duration::from_secs(10)).await?;
        model.without_api_server("API server frozen for 70 s", Part::freeze, FROZEN).await?;
        model.promote().await?;
        elected.end().map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_only_where_a_controller_manager_without_election_takes_away_every_address() -> Result<()>
{
    under_load("unelected", async |model| {
        model.without_api_server("API server frozen for 70 s, no election", Part::freeze, FROZEN).await?;
        for group in [Group::Model, Group::Control] {
            let marked = model.marked(group, MARKED).await?;
            ensure!(marked == 2, "{marked} of 2 pods of {group:?} were marked as {MARKED}");
        }
        // From here on, no call may fail.
        model.restart_load().await?;
        model.promote().await?;
        model.serve_for(AFTERWARDS).await
    })
    .await
}
