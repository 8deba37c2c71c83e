//! The API server's database is slow.

use std::time::Duration;

use anyhow::Result;
use understudy_e2e::platform::Part;

use crate::model::under_load;

/// etcd does not answer for this many seconds, again and again: half of it for a request on average.
const SILENCE: &str = "1";
const SLOW: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_do_not_notice_an_etcd_that_takes_half_a_second_and_a_promotion_gets_through() -> Result<()> {
    under_load("etcd", async |model| {
        model
            .disturb("etcd slow for 60 s", 0, async |model| {
                let slow = Part::Etcd.slow(SILENCE)?;
                model.serve_for(SLOW).await?;
                slow.end().map(drop)
            })
            .await?;
        let slow = Part::Etcd.slow(SILENCE)?;
        model.promote().await?;
        slow.end().map(drop)
    })
    .await
}
