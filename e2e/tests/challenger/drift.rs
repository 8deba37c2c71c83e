//! Today's calls against the training data of main, over all of its pods.

use anyhow::Result;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;
use understudy_crds::{
    ColumnRole, DriftingFeature, ModelDeployment,
    condition::{self, DATA_DRIFT},
};
use understudy_e2e::{Publication, Row, Sample, Story, held_out, with_temp_ns};

/// Of the held-out rows, PSI is at most 0.18 by chance alone: the training data are few. Fewer than all of them would
/// be another distribution, so they are sent whole times; that many, for as many samples as it takes to tell.
const PASSES: usize = 3;
/// What is measured otherwise in a laboratory of the sample's demonstration.
const SHIFTED: &str = "mean_smoothness";

/// Main with a baseline on two pods, neither of which sees enough calls to tell by itself.
async fn serve_and_ask(story: &Story, rows: &[Row]) -> Result<usize> {
    let drift = json!({"window": "10m", "minSamples": 400, "psi": 0.25});
    let publication = Publication::of(Sample::V1_1_0)?.baseline(Sample::V1_1_0)?;
    story.serve(&publication, &json!({"replicas": 2, "drift": drift})).await?;
    let road = story.road(understudy_e2e::MODEL).await?;
    for (number, row) in rows.iter().cycle().take(PASSES * rows.len()).enumerate() {
        road.call(&format!("call-{number}"), row).await?;
    }
    Ok(PASSES * rows.len())
}

fn said(md: &ModelDeployment) -> Option<&Condition> {
    condition::find(&md.status.as_ref()?.conditions, DATA_DRIFT)
}

fn drifting(md: &ModelDeployment) -> Vec<&DriftingFeature> {
    let features = md.status.iter().flat_map(|s| &s.drift).flat_map(|drift| &drift.features);
    features.filter(|feature| feature.role == ColumnRole::Input).collect()
}

#[tokio::test]
async fn inputs_like_the_training_data_do_not_drift() -> Result<()> {
    with_temp_ns("steady", async |story| {
        let asked = serve_and_ask(&story, &held_out()?).await?;
        let told = |md: &ModelDeployment| {
            said(md).is_some_and(|c| (c.status.as_str(), c.reason.as_str()) == ("False", "NoDrift"))
        };
        let md = story.await_deployment("enough was seen to tell that nothing drifts", told).await?;
        let message = &said(&md).expect("the predicate asks for it").message;
        assert!(message.contains("none of 30 inputs drifts: the largest PSI is 0."), "{message}");
        assert_eq!(drifting(&md), Vec::<&DriftingFeature>::new());
        let labels = [("role", "input"), ("feature", SHIFTED)];
        let metrics = story.metrics("1.1.0").await?;
        assert_eq!(metrics.count("understudy_drift_samples", &labels), asked as u64, "every call was seen");
        let each: Vec<_> = metrics.each().map(|m| m.count("understudy_drift_samples", &labels)).collect();
        assert!(each.len() == 2 && each.iter().all(|seen| (1..400).contains(seen)), "on both pods: {each:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_shifted_input_drifts_and_no_other_is_named() -> Result<()> {
    with_temp_ns("shifted", async |story| {
        let mut rows = held_out()?;
        let features = Sample::V1_1_0.features()?;
        let shifted = features.iter().position(|name| name == SHIFTED).expect("the sample has this feature");
        for row in &mut rows {
            row.features[shifted] *= 1.3;
        }
        let asked = i64::try_from(serve_and_ask(&story, &rows).await?)?;
        let told = |md: &ModelDeployment| drifting(md).iter().any(|feature| feature.samples == asked);
        let md = story.await_deployment("an input drifts on all that was asked", told).await?;
        let names: Vec<_> = drifting(&md).iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, [SHIFTED]);
        let said = said(&md).expect("what drifts is said");
        assert_eq!((said.status.as_str(), said.reason.as_str()), ("True", "Drifts"));
        let words = "1 of 30 inputs drift from the baseline (PSI, threshold 0.25): mean_smoothness ";
        assert!(said.message.contains(words), "{}", said.message);
        Ok(())
    })
    .await
}
