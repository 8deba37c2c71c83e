//! The restarts, and the most frequent long outage. This is the part of the suite that `make test` runs.

use std::time::Duration;

use anyhow::Result;
use understudy_e2e::platform::Part;

use crate::model::under_load;

/// Longer than the Leases of the operator and of the node, and the grace periods after them.
const AWAY: Duration = Duration::from_mins(1);
const NO_OPERATOR: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_notice_neither_the_restart_nor_the_absence_of_a_part_of_the_platform() -> Result<()> {
    under_load("short", async |model| {
        model
            .disturb("container runtime and kubelet restarted", 0, async |_| {
                Part::Containerd.restart()?;
                Part::Kubelet.restart()
            })
            .await?;
        model.without_operator(NO_OPERATOR).await?;
        let elected = Part::ControllerManager.supervise(&["--leader-elect=true"])?;
        model.without_api_server("API server away for 60 s", Part::stop, AWAY).await?;
        model.promote().await?;
        elected.end().map(drop)
    })
    .await
}
