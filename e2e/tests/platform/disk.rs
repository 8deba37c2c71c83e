//! The node's disk is nearly full.

use std::sync::Arc;

use anyhow::{Context, Result};
use http::Request;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::{Value, json};
use understudy_e2e::{Person, Story, platform::Part};

use crate::model::under_load;

const GIB: u64 = 1 << 30;
/// The node is short of disk when this much less is free than now. Other programs of the machine use less meanwhile.
const MARGIN: u64 = 4 * GIB;
/// Name of the pod that fills the disk.
const HOG: &str = "hog";

/// Free bytes of the node's disk, as its kubelet measures them.
async fn free(story: &Story, node: &str) -> Result<u64> {
    let request = Request::get(format!("/api/v1/nodes/{node}/proxy/stats/summary")).body(vec![])?;
    let stats: Value = serde_json::from_str(&story.client(Person::Admin).request_text(request).await?)?;
    stats["node"]["fs"]["availableBytes"].as_u64().context("the kubelet reports free bytes")
}

/// A pod that allocates twice the margin in an `emptyDir`. Its image is that of the samples, which has busybox.
async fn fill_disk(story: &Story) -> Result<()> {
    let samples: Api<Pod> = Api::namespaced(story.client(Person::Admin).clone(), "understudy-system");
    let all = ListParams::default().labels("app.kubernetes.io/name=understudy-samples");
    let found = samples.list(&all).await?.items.into_iter().next().context("no samples: run `make up`")?;
    let image =
        found.spec.and_then(|s| s.containers.into_iter().next()?.image).context("a pod has an image")?;
    let fill = format!("fallocate -l {} /disk/hog && exec sleep 600", 2 * MARGIN);
    let pod = json!({
        "metadata": {"name": HOG},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": HOG, "image": image, "command": ["/bin/sh", "-c", fill],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "disk", "mountPath": "/disk"}],
            }],
            "volumes": [{"name": "disk", "emptyDir": {}}],
        },
    });
    story.api::<Pod>().create(&PostParams::default(), &serde_json::from_value(pod)?).await?;
    Ok(())
}

fn is_evicted(pod: &Pod) -> bool {
    pod.status.as_ref().is_some_and(|s| s.reason.as_deref() == Some("Evicted"))
}

fn is_short_of_disk(node: Option<&Node>) -> bool {
    let conditions = node.and_then(|n| n.status.as_ref()).into_iter().flat_map(|s| s.conditions.iter());
    conditions.flatten().any(|c| c.type_ == "DiskPressure" && c.status == "True")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_do_not_notice_that_another_pod_fills_the_disk_and_a_promotion_waits_for_the_node()
-> Result<()> {
    under_load("disk", async |model| {
        let story = Arc::clone(&model.story);
        let nodes: Api<Node> = Api::all(story.client(Person::Admin).clone());
        let node = nodes.list(&ListParams::default()).await?.items.into_iter().next();
        let node = node.and_then(|n| n.metadata.name).context("no node")?;
        let limit = (free(&story, &node).await? - MARGIN) / GIB;
        let kubelet = Part::Kubelet.restart_with(&[
            &format!("--eviction-hard=nodefs.available<{limit}Gi"),
            "--eviction-pressure-transition-period=30s",
        ])?;
        model
            .disturb("disk full", 0, async |_| {
                fill_disk(&story).await?;
                story.await_condition("short of disk", nodes.clone(), &node, is_short_of_disk).await?;
                story.await_object("evicted", HOG, is_evicted).await?;
                story.api::<Pod>().delete(HOG, &DeleteParams::default()).await?;
                Ok(())
            })
            .await?;
        // The node has had disk pressure until 30 s ago at most, or still has it.
        model.promote().await?;
        story.await_condition("no longer short of disk", nodes, &node, |n| !is_short_of_disk(n)).await?;
        kubelet.end()
    })
    .await
}
