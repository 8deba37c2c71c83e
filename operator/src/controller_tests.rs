//! What passes may rely on from their controller.

use futures::FutureExt;
use serde_json::json;
use tokio::sync::mpsc;
use understudy_crds::ModelVersion;

use super::*;
use crate::{cluster::client::Heard, fixtures::version};

fn at(resource_version: &str) -> ModelVersion {
    version("1.0.0", json!({"metadata": {"resourceVersion": resource_version, "uid": "a"}}))
}

fn seen(resource_version: &str) -> crate::cluster::received::Received<ModelVersion> {
    crate::fixtures::parse(serde_json::to_value(at(resource_version)).expect("JSON"))
}

#[tokio::test(start_paused = true)]
async fn no_pass_gets_an_object_from_before_the_last_write_of_this_process() {
    let (passes, mut seen_by_passes) = mpsc::unbounded_channel();
    let controller = Controller {
        name: "modelversion",
        queue: Arc::<Queue>::default(),
        store: Store::default(),
        metrics: Metrics::new(Heard::default()),
        pass: move |version: Arc<ModelVersion>| -> BoxFuture<'static, Result<Action, approval::Error>> {
            passes.send(version.metadata.resource_version.clone()).expect("the test receives");
            futures::future::ready(Ok(Action::await_change())).boxed()
        },
    };
    let (queue, store) = (Arc::clone(&controller.queue), controller.store.clone());
    let key = Key::new("risk", "fraud-1.0.0");
    store.apply(seen("99"));
    store.wrote(&at("101"));
    queue.add(key.clone());
    let (_stop, stopped) = watch::channel(false);
    let events = async {
        // The clock of this test stands still while anything can run, so the controller has looked at the object by then.
        tokio::time::sleep(OWN_WRITE * 3).await;
        assert!(seen_by_passes.try_recv().is_err(), "the cache is behind");
        store.apply(seen("101"));
        queue.add(key.clone());
        assert_eq!(seen_by_passes.recv().await, Some(Some("101".to_owned())));
    };
    tokio::select! {
        () = controller.run(stopped) => panic!("nobody stopped it"),
        () = events => {}
    }
}
