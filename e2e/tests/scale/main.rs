//! The scale tests: an installation with many models, while leaders are killed, upgraded and left alone. Its size is that of
//! `SCALE`: `share` (100 models with 10 versions each, the default) or `whole` (1,000 models). `e2e/cluster/scale` starts the
//! API server, controllers and nodes. One test has all steps, because the models take longer to make than to test.

mod deletion;
mod idle;
mod leaders;
mod world;

use anyhow::Result;
use understudy_e2e::{
    bare::{ControlPlane, Logs},
    scale::Paused,
};

use crate::world::{Installation, Size};

#[tokio::test]
async fn an_installation_of_this_size_survives_its_leaders_writes_nothing_by_itself_and_pays_a_deletion_once()
-> Result<()> {
    let size = Size::chosen()?;
    let (server, logs) = (ControlPlane::shared().await?, Logs::new()?);
    let run = async {
        let mut all = Installation::new(size, &server, &logs).await?;
        println!("{size:?}: publishing");
        all.fleet.publish(0..size.models).await?;
        let paused = Paused::now()?;
        all.lead().await?;
        all.rest().await?;
        println!("a deletion costs few passes");
        deletion::of_a_version(&mut all).await?;
        deletion::of_an_owned_object(&all).await?;
        drop(paused);
        println!("one version of each model becomes main");
        all.promote().await?;
        println!("a new leader");
        leaders::leads_promptly(&mut all).await?;
        println!("the leader is killed");
        leaders::the_leader_is_killed(&mut all).await?;
        println!("the standby is killed");
        leaders::the_standby_is_killed(&mut all).await?;
        println!("a rolling update");
        leaders::a_rolling_update(&mut all).await?;
        println!("nothing happens");
        idle::nothing_is_written(&all).await
    };
    logs.checked(run, async || String::new()).await
}
