//! A28 by the subresource `resize` of a pod, which Kubernetes 1.30 does not have: `e2e/cluster/attacks` leaves this file out
//! there.

use serde_json::json;

use super::{NOT_YOURS, edit, pod, run, world};
use crate::{
    people::{CAROL, ROOT},
    world::refused,
};

#[tokio::test]
async fn a28_a_pod_of_the_operator_gets_no_other_resources() {
    let w = world().await;
    run(&w).await;
    let server = json!({"name": "server", "image": "server:1", "resources": {"requests": {"cpu": "1m"}}});
    let change = json!({"spec": {"containers": [server]}});
    for person in [CAROL, ROOT] {
        refused(edit(&w, person, &pod(), Some("resize"), &change).await, 403, NOT_YOURS);
    }
}
