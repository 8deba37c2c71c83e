//! Drift: today's calls are compared with main's training data, over all of its pods.

use anyhow::Result;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;
use understudy_crds::{
    ColumnRole, DriftingFeature, ModelDeployment,
    condition::{self, DATA_DRIFT},
};
use understudy_e2e::{Metrics, Publication, Row, Sample, Story, held_out, with_temp_ns};

/// How often all held-out rows are sent. A part of the rows would be another distribution. Three times is enough for
/// `minSamples`.
const PASSES: usize = 3;
/// The feature that is shifted, as in the demo of the samples.
const SHIFTED: &str = "mean_smoothness";

/// Brings main up with a baseline, and calls it. Neither of its two pods sees `minSamples` calls. Returns the number of
/// calls.
async fn serve_and_call(story: &Story, rows: &[Row]) -> Result<usize> {
    let drift = json!({"window": "10m", "minSamples": 400});
    let publication = Publication::of(Sample::V1_1_0)?.baseline(Sample::V1_1_0)?;
    story.serve(&publication, &json!({"replicas": 2, "drift": drift})).await?;
    let endpoint = story.endpoint(understudy_e2e::MODEL).await?;
    for (number, row) in rows.iter().cycle().take(PASSES * rows.len()).enumerate() {
        endpoint.call(&format!("call-{number}"), row).await?;
    }
    Ok(PASSES * rows.len())
}

fn data_drift(md: &ModelDeployment) -> Option<&Condition> {
    condition::find(&md.status.as_ref()?.conditions, DATA_DRIFT)
}

fn drifting(md: &ModelDeployment) -> Vec<&DriftingFeature> {
    let features = md.status.iter().flat_map(|s| &s.drift).flat_map(|drift| &drift.features);
    features.filter(|feature| feature.role == ColumnRole::Input).collect()
}

#[tokio::test]
async fn inputs_like_the_training_data_do_not_drift() -> Result<()> {
    with_temp_ns("steady", async |story| {
        let calls = serve_and_call(&story, &held_out()?).await?;
        let no_drift = |md: &ModelDeployment| {
            data_drift(md).is_some_and(|c| (c.status.as_str(), c.reason.as_str()) == ("False", "NoDrift"))
        };
        let md = story.await_deployment("reason NoDrift", no_drift).await?;
        let message = &data_drift(&md).expect("the predicate requires it").message;
        assert!(message.contains("none of 30 inputs drifts: "), "{message}");
        assert_eq!(drifting(&md), Vec::<&DriftingFeature>::new());
        let labels = [("role", "input"), ("feature", SHIFTED)];
        let samples = |metrics: &Metrics| metrics.count("understudy_drift_samples", &labels);
        let all = |metrics: &Metrics| samples(metrics) == calls as u64;
        let metrics = story.await_metrics("every call is counted", "1.1.0", all).await?;
        let by_pod: Vec<_> = metrics.by_pod().map(|metrics| samples(&metrics)).collect();
        assert!(by_pod.len() == 2 && by_pod.iter().all(|n| (1..400).contains(n)), "on both pods: {by_pod:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn only_the_shifted_input_is_reported_as_drifting() -> Result<()> {
    with_temp_ns("shifted", async |story| {
        let mut rows = held_out()?;
        let features = Sample::V1_1_0.features()?;
        let shifted = features.iter().position(|name| name == SHIFTED).expect("the sample has this feature");
        for row in &mut rows {
            row.features[shifted] *= 1.3;
        }
        let calls = i64::try_from(serve_and_call(&story, &rows).await?)?;
        let drifts = |md: &ModelDeployment| drifting(md).iter().any(|feature| feature.samples == calls);
        let md = story.await_deployment("an input drifts, measured on all calls", drifts).await?;
        let names: Vec<_> = drifting(&md).iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, [SHIFTED]);
        let condition = data_drift(&md).expect("a drifting input sets the condition");
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("True", "Drifts"));
        let words = "1 of 30 inputs drift from the baseline: mean_smoothness (distance 0.";
        assert!(condition.message.contains(words), "{}", condition.message);
        Ok(())
    })
    .await
}
