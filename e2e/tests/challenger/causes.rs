//! What happens to features in production, each named as what it is, within 2,000 rows, and nothing else.

use std::{
    f64::consts::TAU,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use serde_json::{Value, json};
use understudy_crds::{
    ColumnRole, DriftStatus, IssueKind, ModelDeployment,
    condition::{self, DATA_DRIFT, DATA_ISSUE, PREDICTION_DRIFT},
};
use understudy_e2e::{MODEL, Publication, Sample, Story, digest, with_temp_ns};

/// Rows within which each cause is named.
const ROWS: usize = 2_000;
/// Rows of a call.
const BATCH: usize = 20;

/// A row as in the training data of causes/make.py. `load` is that of this hour of the day.
fn row(random: &mut StdRng) -> Result<Value> {
    let hour = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 3_600 % 24;
    let cycle = 100.0 + 30.0 * (TAU * f64::from(u32::try_from(hour)?) / 24.0).sin();
    let shop = match random.random::<f64>() {
        place if place < 0.5 => "Delft",
        place if place < 0.8 => "Gouda",
        _ => "Leiden",
    };
    let region = if random.random::<f64>() < 0.5 { "north" } else { "south" };
    let mut normal = |mean: f64, deviation: f64| -> f64 {
        let standard: f64 = StandardNormal.sample(random);
        mean + deviation * standard
    };
    Ok(json!({
        "amount": normal(60.0, 12.0), "humidity": normal(50.0, 10.0), "age": normal(40.0, 12.0),
        "load": normal(cycle, 10.0), "speed": normal(0.0, 1.0), "shop": shop,
        "region": region,
    }))
}

/// The same row while everything happens at once: `amount` comes in cents, the sensor of `humidity` is stuck, one of ten rows is of
/// a new shop and one of ten has no region, and `age` rises slowly, by a deviation until the last row.
fn with_causes(mut row: Value, number: usize, random: &mut StdRng) -> Result<Value> {
    let get = |name: &str| row[name].as_f64().context("a number");
    let (amount, age) = (get("amount")?, get("age")?);
    row["amount"] = json!(100.0 * amount);
    row["humidity"] = json!(50.0);
    row["age"] = json!(age + 12.0 * f64::from(u32::try_from(number)?) / f64::from(u32::try_from(ROWS)?));
    if random.random::<f64>() < 0.1 {
        row["shop"] = json!("Haarlem");
    }
    if random.random::<f64>() < 0.1 {
        row["region"] = json!("");
    }
    Ok(row)
}

/// Serves the model of this file, and sends `ROWS` rows to its two pods.
async fn serve_and_call(story: &Story, file: &str, happens: bool) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/challenger/causes");
    let (model, baseline) = (std::fs::read(folder.join(file))?, std::fs::read(folder.join("baseline.json"))?);
    let publication = Publication::of(Sample::V1_0_0)?
        .file(story.upload("causes.onnx", &model).await?, digest(&model))
        .baseline_at(story.upload("baseline.json", &baseline).await?, digest(&baseline));
    story.serve(&publication, &json!({"replicas": 2, "drift": {"window": "10m"}})).await?;
    let endpoint = story.endpoint(MODEL).await?;
    let mut random = StdRng::seed_from_u64(2_026);
    for call in 0..ROWS / BATCH {
        let rows = (0..BATCH).map(|place| {
            let row = row(&mut random)?;
            if happens { with_causes(row, call * BATCH + place, &mut random) } else { Ok(row) }
        });
        let rows: Vec<Value> = rows.collect::<Result<_>>()?;
        endpoint.predict_records(&json!(rows)).await?;
    }
    Ok(())
}

fn said(md: &ModelDeployment, type_: &str) -> Option<(String, String, String)> {
    let found = condition::find(&md.status.as_ref()?.conditions, type_)?;
    Some((found.status.clone(), found.reason.clone(), found.message.clone()))
}

fn drift(md: &ModelDeployment) -> DriftStatus {
    md.status.as_ref().and_then(|status| status.drift.clone()).unwrap_or_default()
}

#[tokio::test]
async fn calls_like_the_training_data_of_this_hour_neither_drift_nor_have_issues() -> Result<()> {
    with_temp_ns("causes-none", async |story| {
        serve_and_call(&story, "model.onnx", false).await?;
        let fine = |md: &ModelDeployment| {
            [DATA_DRIFT, PREDICTION_DRIFT, DATA_ISSUE]
                .iter()
                .all(|type_| said(md, type_).is_some_and(|(status, ..)| status == "False"))
        };
        let md = story.await_deployment("no drift and no issue", fine).await?;
        assert_eq!((drift(&md).features, drift(&md).issues), (vec![], vec![]));
        let (_, reason, message) = said(&md, DATA_ISSUE).expect("awaited");
        assert_eq!(
            (reason.as_str(), message.as_str()),
            ("NoIssue", "the values of 8 columns are as in the training data")
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_cause_is_named_as_what_it_is_within_2000_rows_and_nothing_else_is() -> Result<()> {
    with_temp_ns("causes", async |story| {
        serve_and_call(&story, "flipped.onnx", true).await?;
        let rows = i64::try_from(ROWS)?;
        let all = |md: &ModelDeployment| {
            let drift = drift(md);
            drift.features.iter().any(|feature| feature.samples == rows)
                && drift.issues.iter().any(|issue| issue.samples == rows)
        };
        let md = story.await_deployment("what happened is judged on all rows", all).await?;
        let drift = drift(&md);

        let features: Vec<_> = drift.features.iter().map(|f| (f.role, f.name.as_str())).collect();
        assert_eq!(features, [(ColumnRole::Output, "label"), (ColumnRole::Input, "age")]);
        let [label, age] = [0, 1].map(|place| drift.features[place].change.as_str());
        assert!(label.starts_with("1 7") && label.ends_with(" % in the training data"), "{label}");
        assert!(age.starts_with("mean 45.") || age.starts_with("mean 46."), "{age}");
        assert!(age.ends_with(", 39.97 in the training data"), "{age}");

        let mut issues: Vec<_> =
            drift.issues.iter().map(|i| (i.name.as_str(), i.issue, i.message.as_str())).collect();
        issues.sort_unstable();
        let [amount, humidity, region, shop] = &issues[..] else { panic!("four issues, not {issues:?}") };
        let scaled = "is about 100 times as large as in the training data: does it have another unit?";
        assert_eq!(*amount, ("amount", IssueKind::Scaled, scaled));
        assert_eq!(*humidity, ("humidity", IssueKind::Constant, "is always 50"));
        assert_eq!((region.0, region.1), ("region", IssueKind::Missing));
        assert!(region.2.ends_with(" of the rows (0 % in the training data)"), "{}", region.2);
        assert_eq!((shop.0, shop.1), ("shop", IssueKind::NewCategory));

        let (status, _, message) = said(&md, DATA_DRIFT).expect("a feature drifts");
        assert!(
            status == "True" && message.starts_with("1 of 7 inputs drift from the baseline: age "),
            "{message}"
        );
        let (status, _, message) = said(&md, PREDICTION_DRIFT).expect("an output drifts");
        assert!(
            status == "True" && message.starts_with("1 of 1 outputs drift from the baseline: label "),
            "{message}"
        );
        let (status, reason, message) = said(&md, DATA_ISSUE).expect("there are issues");
        assert_eq!((status.as_str(), reason.as_str()), ("True", "Scaled"));
        assert!(message.contains("region is missing in ") && message.contains(", since 20"), "{message}");
        Ok(())
    })
    .await
}
